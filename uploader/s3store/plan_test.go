package s3store

import (
	"bytes"
	"testing"
)

func TestPlanKeepsTheLimitsOfS3(t *testing.T) {
	for _, c := range []struct {
		setting, size, partSize int64
		parts                   int
	}{
		{8 * mib, 0, 8 * mib, 1},
		{8 * mib, 8 * mib, 8 * mib, 1},
		{8 * mib, 8*mib + 1, 8 * mib, 2},
		{0, 16 * mib, 5 * mib, 4},
		{8 * mib, 80_000 * mib, 8 * mib, 10_000},
		{8 * mib, 80_000*mib + 1, 9 * mib, 8889},
		{8 * mib, 5 << 40, 525 * mib, 9987},
	} {
		s := &Store{settings: Settings{PartSize: c.setting}}
		p := s.plan(c.size)
		var sum int64
		for number := range p.parts() {
			n := p.section(bytes.NewReader(nil), number+1).Size()
			if n > p.partSize || n < p.partSize && number+1 < p.parts() {
				t.Fatalf("part %d of %d bytes has %d", number+1, c.size, n)
			}
			sum += n
		}
		if p.partSize != c.partSize || p.parts() != c.parts || sum != c.size {
			t.Errorf("%d bytes with parts of %d: %d parts of %d with %d bytes", c.size, c.setting, p.parts(), p.partSize, sum)
		}
	}
}

func TestUnfinishedIsBounded(t *testing.T) {
	var r unfinished
	for _, key := range []string{"a", "b", "c"} {
		r.remember(&upload{key: key, parts: make([]part, maxParts)})
	}
	if r.take("a") != nil || r.take("b") == nil || r.take("c") == nil || r.take("c") != nil {
		t.Error("not the newest two are remembered")
	}
	r.remember(&upload{key: "a", id: "1"})
	r.remember(&upload{key: "a", id: "2"})
	if u := r.take("a"); u == nil || u.id != "2" || len(r.failed) != 0 {
		t.Errorf("the newest of a key is %+v", u)
	}
	r.remember(&upload{key: "a", id: "1"})
	if r.forget("1"); r.take("a") != nil {
		t.Error("what was aborted is remembered")
	}
}
