package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// contents returns what the bucket has, sorted.
func (b *bucket) contents() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, c := range slices.Sorted(maps.Keys(b.objects)) {
		all = append(all, string(b.objects[c]))
	}
	slices.Sort(all)
	return all
}

// delete_local, a clean-up and a new server let names begin again.
func TestNoRecordingReplacesAnotherInTheBucket(t *testing.T) {
	for name, c := range map[string]struct {
		remove        bool // the file is deleted between two recordings
		restart       bool
		unconditional bool // a store that does not know If-None-Match
		sameSize      bool
	}{
		"deleted on the disk":           {remove: true},
		"written over on the disk":      {},
		"after a restart":               {remove: true, restart: true},
		"a store without conditions":    {remove: true, unconditional: true},
		"of the same size":              {remove: true, sameSize: true},
		"without conditions, restarted": {restart: true, unconditional: true, sameSize: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, recordings, Settings{})
				d.bucket.unconditional = c.unconditional
				d.start()
				var want []string
				for take := range 3 {
					for part := range 3 {
						content := fmt.Sprintf("take %d, part %d", take, part)
						if !c.sameSize {
							content = strings.Repeat(content, 4-take)
						}
						want = append(want, content)
						d.close(fmt.Sprintf("r/r_part%04d.ts", part), content)
					}
					settle()
					if c.remove {
						for part := range 3 {
							d.remove(fmt.Sprintf("r/r_part%04d.ts", part))
						}
					}
					time.Sleep(10 * time.Second)
					if c.restart {
						d.restart()
						d.start()
					}
				}
				settle()
				slices.Sort(want)
				if got := d.bucket.contents(); !slices.Equal(got, want) {
					t.Errorf("the bucket has %q as %q, want %q", got, d.bucket.keys(), want)
				}
				errs := d.log.lines(slog.LevelError, "recording goes under another key")
				if len(errs) != 6 && !c.restart || c.restart && len(errs) == 0 {
					t.Errorf("%d errors", len(errs))
				}
				for _, l := range errs {
					if !strings.Contains(l, "key=r/r_part000") || !strings.Contains(l, "other_key=r/r_part000") {
						t.Errorf("it does not name both keys: %s", l)
					}
				}
			})
		})
	}
}

func TestRecordingUnderAnotherKeyIsNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.bucket.objects["r.ts"] = []byte("by another host")
		d.bucket.told["r.ts"] = ObjectInfo{Host: "elsewhere", Stored: time.Now()}
		d.start()
		d.close("r.ts", "ours")
		settle()
		for range 3 {
			d.restart()
			d.start()
			d.closed("r.ts")
			settle()
		}
		if got := d.bucket.order(); strings.Count(got, "r") != 1 || d.bucket.content("r.ts") != "by another host" || len(d.bucket.keys()) != 2 {
			t.Errorf("sent: %q; the bucket has %q", got, d.bucket.keys())
		}
	})
}

// One that EMS goes on with is the same recording.
func TestRecordingThatGoesOnKeepsItsKey(t *testing.T) {
	for name, restart := range map[string]bool{"in one run": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, recordings, Settings{})
				d.start()
				for _, content := range []string{"begin", "begin and more", "begin and more, to the end"} {
					d.close("r.ts", content)
					settle()
					time.Sleep(time.Second)
					if restart {
						d.restart()
						d.start()
					}
				}
				if got := d.bucket.contents(); !slices.Equal(got, []string{"begin and more, to the end"}) {
					t.Errorf("the bucket has %q", got)
				}
				if got := d.log.lines(slog.LevelError, "recording goes"); len(got) > 0 {
					t.Errorf("errors: %q", got)
				}
			})
		})
	}
}

func TestRecordingThatGoesOnUnderAnotherKeyKeepsThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.bucket.objects["r.ts"] = []byte("another")
		d.start()
		for _, content := range []string{"begin", "begin and more", "begin and more, to the end"} {
			d.close("r.ts", content)
			settle()
			time.Sleep(time.Second)
		}
		if got := d.bucket.contents(); !slices.Equal(got, []string{"another", "begin and more, to the end"}) {
			t.Errorf("the bucket has %q", got)
		}
		if n := len(d.log.lines(slog.LevelError, "recording goes under another key")); n != 1 {
			t.Errorf("%d errors", n)
		}
	})
}

// Two hosts that look at the same moment both find the key free.
func TestRecordingThatAnotherHostPutsAtTheSameTimeGetsAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.bucket.before = func(_ context.Context, key string) error {
			d.bucket.mu.Lock()
			defer d.bucket.mu.Unlock()
			if _, there := d.bucket.objects["r.ts"]; !there {
				d.bucket.objects["r.ts"] = []byte("theirs")
			}
			return nil
		}
		d.start()
		d.close("r.ts", "ours")
		time.Sleep(time.Minute)
		if got := d.bucket.contents(); !slices.Equal(got, []string{"ours", "theirs"}) || d.bucket.content("r.ts") != "theirs" {
			t.Errorf("the bucket has %q as %q", got, d.bucket.keys())
		}
	})
}

// An answer that is lost says nothing; the next attempt meets what the first has put.
func TestRecordingWhoseAnswerIsLostKeepsItsKey(t *testing.T) {
	for name, unconditional := range map[string]bool{"conditional": false, "without conditions": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, recordings, Settings{})
				d.bucket.unconditional = unconditional
				lost := false
				d.dest.Store = &answerLoser{d.bucket, &lost}
				d.start()
				d.close("r.ts", "ours")
				time.Sleep(time.Minute)
				if got := d.bucket.keys(); !slices.Equal(got, []string{"r.ts"}) || !lost {
					t.Errorf("the bucket has %q", got)
				}
				if got := d.log.lines(slog.LevelError, "recording goes"); len(got) > 0 {
					t.Errorf("errors: %q", got)
				}
			})
		})
	}
}

// An answerLoser is a store of which the first answer to a Put is lost.
type answerLoser struct {
	*bucket
	lost *bool
}

func (a *answerLoser) Put(ctx context.Context, o Object) error {
	err := a.bucket.Put(ctx, o)
	if !*a.lost {
		*a.lost = true
		return errors.New("no answer")
	}
	return err
}

func TestRecordingsOfTwoRootsWithOnePrefixGetDifferentKeys(t *testing.T) {
	for name, unconditional := range map[string]bool{"conditional": false, "without conditions": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{Workers: 1, BulkWorkers: 4})
				d.bucket.unconditional = unconditional
				var want []string
				var closing []func()
				for _, day := range []string{"day1", "day2", "day3"} {
					src := d.up.Source(filepath.Join(d.dir, day), recordings, d.dest, silentExpecter{})
					d.write(day+"/cam.ts", day)
					want = append(want, day)
					closing = append(closing, func() {
						fi, err := os.Stat(filepath.Join(d.dir, day, "cam.ts"))
						if err != nil {
							t.Error(err)
							return
						}
						src.Closed(d.ctx, "cam.ts", media.VersionOf(fi))
					})
				}
				d.start()
				for _, c := range closing {
					c()
				}
				time.Sleep(time.Minute)
				if got := d.bucket.contents(); !slices.Equal(got, want) {
					t.Errorf("the bucket has %q as %q", got, d.bucket.keys())
				}
			})
		})
	}
}

func TestKeyThatTheStoreAlwaysRefusesIsTriedWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.bucket.before = func(context.Context, string) error { return ErrExists }
		d.start()
		d.close("r.ts", "ours")
		time.Sleep(time.Hour)
		n := 0
		d.bucket.mu.Lock()
		defer d.bucket.mu.Unlock()
		for _, k := range d.bucket.attempts {
			n += k
		}
		if n < 2 || n > 300 {
			t.Errorf("%d attempts in an hour", n)
		}
	})
}

func TestOtherKeyOfARecordingHasTheTimeOfItsFile(t *testing.T) {
	at := time.Date(2026, 11, 29, 14, 30, 45, 123456789, time.FixedZone("", 3600))
	v := media.Version{ModTime: at}
	for own, want := range map[string]string{
		"a/b_part0000.mp4": "a/b_part0000-20261129-133045-123456789.mp4",
		"b.x/noext":        "b.x/noext-20261129-133045-123456789",
	} {
		for n := range maxOtherKeys {
			other := otherPath(own, v, n+1)
			if n == 0 && other != want {
				t.Errorf("%s: %s", own, other)
			}
			if got := ownPath(other); got != own {
				t.Errorf("%s is of %s", other, got)
			}
		}
	}
	if got := ownPath("cam-20261129-143045-007.ts"); got != "cam-20261129-143045-007.ts" {
		t.Errorf("a name of the recorder's becomes %s", got)
	}
}

// A clean-up does not wait for the bucket.
func TestRecordingArrivesEvenIfItsNameIsUsedAgainBeforeItsUpload(t *testing.T) {
	for name, restart := range map[string]bool{"in one run": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, recordings, Settings{})
				away := d.bucket.outage()
				d.start()
				want := []string{"take 1, which is long", "take 2, longer than that", "take 3"}
				for _, content := range want {
					d.close("r/r.ts", content)
					time.Sleep(time.Minute)
					if content != "take 3" {
						d.remove("r/r.ts")
						time.Sleep(time.Minute)
					}
				}
				if restart {
					d.restart()
					d.start()
					d.closed("r/r.ts")
				}
				away.Store(false)
				time.Sleep(10 * time.Minute)
				got := d.bucket.contents()
				slices.Sort(want)
				if !slices.Equal(slices.Compact(got), want) {
					t.Errorf("the bucket has %q as %q", got, d.bucket.keys())
				}
				if n := len(d.log.lines(slog.LevelError, "another file has taken the name")); n == 0 {
					t.Error("that is not logged")
				}
			})
		})
	}
}

// Without the right to ask what the bucket has, a recording that may be there is sent once, and
// neither again nor under another key.
func TestRecordingThatTheBucketDoesNotTellOfIsNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, recordings, Settings{})
		d.dest.Store = silentStore{d.bucket}
		d.bucket.before = func(context.Context, string) error { return ErrExists } // of the run before
		d.start()
		d.close("r.ts", "a recording")
		time.Sleep(10 * time.Minute)
		if n := len(d.log.lines(slog.LevelError, "does not tell which")); n == 0 {
			t.Error("no line says that it is not uploaded")
		}
		if n, all := d.bucket.count("r.ts"), d.bucket.keys(); n != 1 || len(all) > 0 {
			t.Errorf("it is sent %d times, and the bucket has %q", n, all)
		}
	})
}

func TestClaimOfAPathFollowsFromWhatTheBucketHasThere(t *testing.T) {
	v := media.Version{Size: 7, ModTime: time.Unix(1795334975, 0)}
	ours, other := publish.ObjectInfo{Size: 7, ModTime: v.ModTime}, publish.ObjectInfo{Size: 7}
	untold := publish.ObjectInfo{Untold: true}
	for name, c := range map[string]struct {
		job    publish.Job
		object publish.ObjectInfo
		found  bool
		want   publish.ClaimState
	}{
		"nothing":                            {publish.Job{}, publish.ObjectInfo{}, false, publish.Free},
		"this recording":                     {publish.Job{}, ours, true, publish.Ours},
		"this recording, with other content": {publish.Job{Recording: publish.Recording{Spoilt: true}}, ours, true, publish.AllTaken},
		"another recording":                  {publish.Job{}, other, true, publish.AllTaken},
		"nothing, but the store refused":     {publish.Job{Recording: publish.Recording{Refused: "p"}}, publish.ObjectInfo{}, false, publish.AllTaken},
		"nothing, another path was refused":  {publish.Job{Recording: publish.Recording{Refused: "q"}}, publish.ObjectInfo{}, false, publish.Free},
		"not told":                           {publish.Job{}, untold, false, publish.Free},
		"not told, a path was refused":       {publish.Job{Recording: publish.Recording{Refused: "q"}}, untold, false, publish.UntoldOwner},
	} {
		c.job.Version = v
		if got := claim(c.job, "p", c.object, c.found); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
