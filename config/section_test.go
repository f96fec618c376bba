package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ems-sidecar/media"
)

const s3 = "[S3]\ndefault_bucket = ems\n" // what follows is line 3

func TestShortNamesMeanWhatEvoStreamsMean(t *testing.T) {
	const keys = "\nwatch_dir = /a\nprefix = x\ndelete_delay = 3s\n"
	for _, f := range media.Formats() {
		older := mustParse(t, s3+"["+f.OlderSection()+"]"+keys)
		short := mustParse(t, s3+"["+f.Section()+"]"+keys)
		if !older.NamesEMS || short.NamesEMS || short.Hooks.On {
			t.Errorf("%s: EMS is named: %v and %v", f, older.NamesEMS, short.NamesEMS)
		}
		if a, b := older.Uploads[0].ID(), short.Uploads[0].ID(); a != b {
			t.Errorf("%s: the IDs %s and %s", f, a, b)
		}
		if short.Uploads[0].Section != f.Section() || older.Uploads[0].Section != f.OlderSection() {
			t.Errorf("%s: %q and %q are not as written", f, short.Uploads[0].Section, older.Uploads[0].Section)
		}
		older.Uploads[0].Section = f.Section()
		if !reflect.DeepEqual(older.Uploads, short.Uploads) {
			t.Errorf("%s:\n%+v\n%+v", f, older.Uploads, short.Uploads)
		}
	}
}

func TestSeveralSectionsOfAFormatHaveTheirOwnKeys(t *testing.T) {
	cfg := mustParse(t, s3+`prefix = all
[HLS]
watch_dir = /a
[HLS   sports]
watch_dir[] = /b
watch_dir[] = /c
default_bucket = sports
prefix = s
aws_access_key = A
aws_secret_key = s
[DASH sports]
watch_dir = /b
[AmazonHDSUpload]
watch_dir = /a
`)
	var got []string
	for _, u := range cfg.Uploads {
		got = append(got, fmt.Sprintf("%s %s %v %s/%s %s",
			u.Section, u.ID(), u.WatchDirs, u.Bucket, u.Prefix, u.AccessKey))
	}
	want := []string{"HLS hls [/a] ems/all/ ", "HLS sports hls:sports [/b /c] sports/s/ A",
		"DASH sports dash:sports [/b] ems/all/ ", "AmazonHDSUpload hds [/a] ems/all/ "}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	effective := cfg.Effective(func(string) string { return "" })
	if s := setting(t, effective, "HLS sports", "prefix"); s.Value != "s/" || s.Where != "config.ini:10" {
		t.Errorf("%+v", s)
	}
}

// Short names have no switch; EvoStream's names keep theirs.
func TestSectionsWithShortNamesAreOnWhereTheFileHasThem(t *testing.T) {
	for text, want := range map[string][]string{
		"[Plugins]\n[HLS]\nwatch_dir = /a\n" +
			"[AmazonDASHUpload]\nwatch_dir = /a": {"HLS"},
		"[Plugins]\nAmazonDASHUpload = enabled\n[HLS]\nwatch_dir = /a\n" +
			"[AmazonDASHUpload]\nwatch_dir = /a": {"HLS", "AmazonDASHUpload"},
		"[Plugins]\nAmazonHLSUpload = disabled\n" +
			"[HLS]\nwatch_dir = /a\n[AmazonHLSUpload]\nwatch_dir = /a": {"HLS"},
		"[Plugins]\nAmazonHLSUpload = enabled\n[HLS b]\nwatch_dir = /a\n" +
			"[AmazonHLSUpload]\nwatch_dir = /b": {"HLS b", "AmazonHLSUpload"},
		"[HLS b]\nwatch_dir = /b\n[HLS a]\nwatch_dir = /a\n" +
			"[Recordings]\nwatch_dir = /r": {"HLS b", "HLS a", "Recordings"},
		"[Recordings]\n[StreamRecorder]\nfile_location = /rec\nperiod_time = 60": {"Recordings"},
		"[EMS]\n[HLS]": {"HLS"},
	} {
		var got []string
		for _, u := range mustParse(t, s3+text).Uploads {
			got = append(got, u.Section)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n%v, want %v", text, got, want)
		}
	}
}

func TestMistakesInSectionsSayWhatWouldBeRight(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"both names": {s3 + "[AmazonHLSUpload]\nwatch_dir = /a\n[HLS]\nwatch_dir = /b",
			"c:5: [HLS]: means the same as [AmazonHLSUpload]: remove one of the two, or give " +
				"this one a word of its own, such as [HLS second]"},
		"no directory": {s3 + "[HLS]",
			"c:3: [HLS] watch_dir: is missing: the directory into which the streams are written"},
		"no directory of several": {s3 + "[HLS]\nwatch_dir = /a\n[HLS b]\n[EMS]",
			"c:5: [HLS b] watch_dir: is missing: of several sections of one format, each needs " +
				"directories of its own"},
		"one directory of two": {s3 + "[HLS]\nwatch_dir = /a/\n[HLS b]\nwatch_dir = /a",
			`c:6: [HLS b] watch_dir = "/a": overlaps with /a of [HLS]: sections of one format ` +
				`need directories of their own`},
		"a directory in that of another": {s3 + "[HLS b]\nwatch_dir = /a/b\n[HLS]\nwatch_dir = /a",
			`c:6: [HLS] watch_dir = "/a": overlaps with /a/b of [HLS b]: sections of one format ` +
				`need directories of their own`},
		"a switch of a short name": {s3 + "[Plugins]\nHLS = enabled\n[HLS]\nwatch_dir = /a",
			"c:4: [Plugins] HLS: unknown key: [HLS] has no switch: it is on where the file has it"},
		"a pattern for keys": {s3 + "[HLS]\nwatch_dir = /a\ninclude = *.jpg *.key",
			`c:5: [HLS] include = "*.jpg *.key": must be patterns such as *.jpg or posters/*.png, ` +
				`but *.key is for keys, which are published only if a manifest names them`},
		"a switch of a renamed section": {s3 + "[Plugins]\nAmazonHLSUpload = disabled\n[HLS]\nwatch_dir = /a",
			"c:4: [Plugins] AmazonHLSUpload: is no switch of [HLS], which is on because the file " +
				"has it: remove this line, or call the section [AmazonHLSUpload]"},
		"small letters": {s3 + "[hls sports]",
			"c:3: [hls sports]: unknown section (did you mean [HLS sports]?)"},
		"a hyphen": {s3 + "[HLS-sports]",
			"c:3: [HLS-sports]: unknown section (did you mean [HLS sports]?)"},
		"turned letters": {s3 + "[DAHS]",
			"c:3: [DAHS]: unknown section (did you mean [DASH]?)"},
		"one recording": {s3 + "[Recording]",
			"c:3: [Recording]: unknown section (did you mean [Recordings]?)"},
		"an older name": {s3 + "[AmazonHSLUpload]",
			"c:3: [AmazonHSLUpload]: unknown section (did you mean [AmazonHLSUpload]?)"},
		"a word behind that": {s3 + "[AmazonHLSUpload sports]",
			"c:3: [AmazonHLSUpload sports]: unknown section (did you mean [HLS sports]?)"},
		"two words": {s3 + "[HLS my sports]",
			"c:3: [HLS my sports]: must be a format and one word of letters, digits and . _ -, " +
				"such as [HLS sports]"},
		"a slash": {s3 + "[HLS ../x]",
			"c:3: [HLS ../x]: must be a format and one word of letters, digits and . _ -, such " +
				"as [HLS sports]"},
		"a key of another": {s3 + "[HLS b]\nwatch_dir = /a\nbootstrap = b",
			"c:5: [HLS b] bootstrap: unknown key here: it belongs in [HDS]"},
		"recordings' directory": {s3 + "[HLS b]\nwatch_dir = /a\n[Recordings b]\nwatch_dir = /a",
			`c:6: [Recordings b] watch_dir = "/a": is watched by [HLS b], too: recordings need a ` +
				`directory of their own`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := problems(t, c.text); len(got) != 1 || got[0] != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestR8SectionsThatPublishAreLimited(t *testing.T) {
	var b strings.Builder
	b.WriteString(s3)
	for i := range maxSections + 1 {
		fmt.Fprintf(&b, "[HLS s%d]\nwatch_dir = /a/%d\n", i, i)
	}
	if got := problems(t, b.String()); len(got) != 1 || !strings.Contains(got[0], "[HLS s100]: is one too many") {
		t.Errorf("%q", got)
	}
}

// Another name for the same section is no change; a section with another word is another one.
func TestReplacingKnowsSectionsByWhatTheyMean(t *testing.T) {
	before := mustParse(t, s3+"[AmazonHLSUpload]\nwatch_dir = /a\n[HLS b]\nwatch_dir = /b\n")
	after := mustParse(t, s3+"prefix = x\n[HLS]\nwatch_dir = /a\n[HLS c]\nwatch_dir = /c\n")
	now, changes, err := before.Replace(after)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("[%s] %s %q %q %v", c.Section, c.Key, c.Old, c.New, c.Applied == OnRestart))
	}
	want := []string{`[HLS] prefix "" "x/" true`, `[HLS c]  "off" "on" false`, `[HLS b]  "on" "off" false`}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := setting(t, now.Effective(func(string) string { return "" }), "HLS", "prefix"); s.Value != "" {
		t.Errorf("the prefix that waits for a restart is shown: %+v", s)
	}
}
