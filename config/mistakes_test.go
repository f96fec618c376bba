package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// problems parses a text that is wrong and returns its messages.
func problems(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse("c", []byte(text))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return lines
}

func TestMistakesSayWhereAndWhatWouldBeRight(t *testing.T) {
	const hls = "[AmazonHLSUpload]\ndefault_bucket = ems\n" // what follows is line 3
	for name, c := range map[string]struct{ text, want string }{
		// The lines.
		"a player of another kind":    {"[Admin]\nplayer = on", `c:2: [Admin] player = "on": must be daemon, or a URL such as https://cdn.example.com, or off`},
		"a player with a policy":      {"[Admin]\nplayer = 'https://cdn.example.com/;script-src'", `c:2: [Admin] player = "https://cdn.example.com/;script-src": must be daemon, or a URL such as https://cdn.example.com, or off`},
		"no equals sign":              {"[S3]\nregion", "c:2: [S3]: must be key = value, a [Section], or a comment that begins with ;"},
		"no key":                      {"[S3]\n= x", "c:2: [S3]: must be key = value, a [Section], or a comment that begins with ;"},
		"key before any section":      {"\nworkers = 3\n[S3]", "c:2: workers: must be below a [Section]"},
		"unclosed section":            {"[S3\n", "c:1: must be the name of a section in brackets, such as [S3]"},
		"text behind a section":       {"[S3] x]\n", "c:1: must be the name of a section in brackets, such as [S3]"},
		"unclosed quote":              {"[S3]\nregion = 'eu", `c:2: [S3] region = "'eu": must end with the quote that it begins with: '`},
		"other quote closes nothing":  {"[S3]\nregion = \"eu'", `c:2: [S3] region = "\"eu'": must end with the quote that it begins with: "`},
		"text behind a quote":         {"[S3]\nregion = 'eu' x", `c:2: [S3] region = "'eu' x": must end at its closing quote; only a comment that begins with ; may follow`},
		"hash behind a quote":         {"[S3]\nregion = 'eu' # x", `c:2: [S3] region = "'eu' # x": must end at its closing quote; only a comment that begins with ; may follow`},
		"three quotes":                {"[S3]\nregion = \"\"\"eu\nacl = private", "c:2: [S3] region: must be in single or double quotes, on one line"},
		"a back quote":                {"[S3]\nregion = `eu\nacl = private", "c:2: [S3] region: must be in single or double quotes, on one line"},
		"a control character":         {"[S3]\nregion = e\x00u", `c:2: [S3] region = "e\x00u": must not contain control characters`},
		"UTF-16":                      {"\xff\xfe[\x00", "c:1: must be UTF-8 text, not UTF-16"},
		"a video instead of a config": {strings.Repeat("x", 300<<10), "c: must be a config file, not one of over 256 KiB"},

		// The names.
		"unknown section":       {"[S4]\nx = y", "c:1: [S4]: unknown section (did you mean [S3]?)"},
		"section in small":      {"[plugins]\n", "c:1: [plugins]: unknown section (did you mean [Plugins]?)"},
		"unknown key":           {"[S3]\ndelte = keep", "c:2: [S3] delte: unknown key (did you mean delete?)"},
		"key in capitals":       {"[S3]\nRegion = eu", "c:2: [S3] Region: unknown key (did you mean region?)"},
		"key of [Upload]":       {"[S3]\nworkers = 3", "c:2: [S3] workers: unknown key here: it belongs in [Upload]"},
		"key of two sections":   {"[S3]\nlisten = :1", "c:2: [S3] listen: unknown key here: it belongs in [Admin] or [Hooks]"},
		"key of [S3]":           {"[Upload]\nprefix = x", "c:2: [Upload] prefix: unknown key here: it belongs in [S3] or a section that publishes, such as [HLS]"},
		"bootstrap outside HDS": {hls + "bootstrap = b", "c:3: [AmazonHLSUpload] bootstrap: unknown key here: it belongs in [HDS]"},
		"watch_dir in [S3]":     {"[S3]\nwatch_dir = /srv", "c:2: [S3] watch_dir: unknown key here: it belongs in [HLS] or [HDS] or [DASH] or [MSS] or [Recordings]"},
		"a colon and an equals": {"[S3]\nregion: eu = x", "c:2: [S3] ***: unknown key (did you mean region?)"},
		"unknown plugin":        {"[Plugins]\nAmazonHSLUpload = enabled", "c:2: [Plugins] AmazonHSLUpload: unknown key (did you mean AmazonHLSUpload?)"},
		"disabled, but unknown": {"[Plugins]\n[AmazonMSSUpload]\nbuket = x", "c:3: [AmazonMSSUpload] buket: unknown key (did you mean default_bucket?)"},
		"disabled, but wrong":   {"[Plugins]\n[StreamRecorder]\nperiod_time = x", `c:3: [StreamRecorder] period_time = "x": must be a whole number of seconds from 1 to 86399`},

		// Several values.
		"a key twice":             {"[S3]\nregion = a\n\nregion = a", "c:4: [S3] region: is set in line 2 already"},
		"twice in two parts":      {"[S3]\nregion = a\n[Log]\n[S3]\nregion = b", "c:5: [S3] region: is set in line 2 already"},
		"a list key plainly":      {hls + "watch_dir = /a\nwatch_dir = /b", "c:4: [AmazonHLSUpload] watch_dir: is set in line 3 already: for several values, write watch_dir[] = in each line"},
		"both forms of a list":    {hls + "watch_dir = /a\nwatch_dir[] = /b", "c:4: [AmazonHLSUpload] watch_dir[]: is set in line 3 already: for several values, write watch_dir[] = in each line"},
		"a list of single values": {"[S3]\nregion[] = a", "c:2: [S3] region[]: has one value: write region ="},
		"the same directory":      {hls + "watch_dir[] = /a\nwatch_dir[] = /b/../a/", `c:4: [AmazonHLSUpload] watch_dir[] = "/b/../a/": is listed twice in this section: its files would be published twice`},
		"a directory in another":  {hls + "watch_dir[] = /a\nwatch_dir[] = /a/b", `c:4: [AmazonHLSUpload] watch_dir[] = "/a/b": lies in /a, which this section watches, too: its files would be published twice`},
		"a directory of another":  {hls + "watch_dir[] = /a/b\nwatch_dir[] = /", `c:4: [AmazonHLSUpload] watch_dir[] = "/": contains /a/b, which this section watches, too: its files would be published twice`},
		"an empty item of a list": {hls + "watch_dir[] =", "c:3: [AmazonHLSUpload] watch_dir[]: must be a directory's absolute path"},

		// The values.
		"a relative directory": {hls + "watch_dir = srv", `c:3: [AmazonHLSUpload] watch_dir = "srv": must be a directory's absolute path`},
		"a Windows directory":  {hls + `watch_dir = C:\media\`, `c:3: [AmazonHLSUpload] watch_dir = "C:\media\": must be a directory's absolute path`},
		"a mistyped choice":    {"[S3]\ndelete = \"mirrror\"", `c:2: [S3] delete = "mirrror": must be keep or mirror (did you mean mirror?)`},
		"no choice at all":     {"[Watcher]\nbackend = kqueue", `c:2: [Watcher] backend = "kqueue": must be auto, inotify, fsnotify or poll`},
		"a spool that is watched": {hls + "watch_dir = /a\n[Upload]\nspool_dir = /a/spool",
			`c:5: [Upload] spool_dir = "/a/spool": lies in the watch_dir /a of [AmazonHLSUpload], so that its files would be uploaded: leave it empty, or use a name below that directory that begins with a dot`},
		"a spool that is the watched directory": {hls + "watch_dir = /a\n[Upload]\nspool_dir = /a/",
			`c:5: [Upload] spool_dir = "/a": lies in the watch_dir /a of [AmazonHLSUpload], so that its files would be uploaded: leave it empty, or use a name below that directory that begins with a dot`},
		"a number in words":    {"[Upload]\nworkers = many", `c:2: [Upload] workers = "many": must be a whole number from 1 to 1024`},
		"a number too small":   {"[Upload]\nworkers = 0", `c:2: [Upload] workers = "0": must be a whole number from 1 to 1024`},
		"a number too large":   {"[Upload]\nworkers = 1025", `c:2: [Upload] workers = "1025": must be a whole number from 1 to 1024`},
		"a time without sense": {"[Watcher]\nsettle = soon", `c:2: [Watcher] settle = "soon": must be a time from 1ms to 1m, such as 500ms, 30s or 2m`},
		"a negative time":      {"[Watcher]\nsettle = -1s", `c:2: [Watcher] settle = "-1s": must be a time from 1ms to 1m, such as 500ms, 30s or 2m`},
		"a time beyond all":    {"[Watcher]\nsettle = 99999999999999999999", `c:2: [Watcher] settle = "99999999999999999999": must be a time from 1ms to 1m, such as 500ms, 30s or 2m`},
		"a time of dots":       {"[Watcher]\nsettle = ...", `c:2: [Watcher] settle = "...": must be a time from 1ms to 1m, such as 500ms, 30s or 2m`},
		"an empty time":        {"[Watcher]\nsettle =", "c:2: [Watcher] settle: must be a time from 1ms to 1m, such as 500ms, 30s or 2m"},
		"no word for deletion": {"[Plugins]\n[AmazonRecordUpload]\ndelete_local = on", `c:3: [AmazonRecordUpload] delete_local = "on": must be after_upload or off`},
		"a recordings' directory that is another's": {"[S3]\ndefault_bucket = ems\n[AmazonRecordUpload]\nwatch_dir = /srv/\n[AmazonHLSUpload]\nwatch_dir = /srv",
			`c:4: [AmazonRecordUpload] watch_dir = "/srv": is watched by [AmazonHLSUpload], too: recordings need a directory of their own`},
		"a recorder's path elsewhere": {"[Plugins]\nAmazonRecordUpload = enabled\n[AmazonRecordUpload]\ndefault_bucket = ems\n[StreamRecorder]\nfile_location = C:\\rec\\",
			`c:6: [StreamRecorder] file_location = "C:\rec\": is not a path on this host: set watch_dir in [AmazonRecordUpload] to the directory as this host sees it`},
		"no second":              {"[StreamRecorder]\nfile_location = x\nperiod_time = 0", `c:3: [StreamRecorder] period_time = "0": must be a whole number of seconds from 1 to 86399`},
		"a whole day":            {"[StreamRecorder]\nfile_location = x\nperiod_time = 24h", `c:3: [StreamRecorder] period_time = "24h": must be a whole number of seconds from 1 to 86399`},
		"half a second":          {"[StreamRecorder]\nfile_location = x\nperiod_time = 1.5", `c:3: [StreamRecorder] period_time = "1.5": must be a whole number of seconds from 1 to 86399`},
		"a part below S3's":      {"[Upload]\npart_size = 5MB", `c:2: [Upload] part_size = "5MB": must be a size from 5 MiB to 5 GiB, such as 64KiB or 8MiB`},
		"a negative size":        {"[Upload]\npart_size = -8MiB", `c:2: [Upload] part_size = "-8MiB": must be a size from 5 MiB to 5 GiB, such as 64KiB or 8MiB`},
		"neither on nor off":     {"[S3]\npath_style = maybe", `c:2: [S3] path_style = "maybe": must be on or off`},
		"a port alone":           {"[Admin]\nlisten = 4001", `c:2: [Admin] listen = "4001": must be host:port, such as 127.0.0.1:4000, or off`},
		"a port too large":       {"[Admin]\nlisten = :65536", `c:2: [Admin] listen = ":65536": must be host:port, such as 127.0.0.1:4000, or off`},
		"a path without end":     {"[Hooks]\npath = /ems", `c:2: [Hooks] path = "/ems": must begin and end with a slash, such as /evowebservices/`},
		"no network":             {"[Hooks]\nallow[] = 10.0.0.0/33", `c:2: [Hooks] allow[] = "10.0.0.0/33": must be an IP address or a network, such as 10.0.0.0/8`},
		"a log level":            {"[Log]\nlevel = warning", `c:2: [Log] level = "warning": must be debug, info, warn or error (did you mean warn?)`},
		"a short bucket":         {"[S3]\ndefault_bucket = ab", `c:2: [S3] default_bucket = "ab": must be a bucket's name alone: 3 to 63 letters, digits, dots and hyphens`},
		"a bucket's URL":         {"[S3]\ndefault_bucket = s3://ems", `c:2: [S3] default_bucket = "s3://ems": must be a bucket's name alone, not a URL: write ems`},
		"a bare endpoint":        {"[S3]\nendpoint = minio:9000", `c:2: [S3] endpoint = "minio:9000": must be a URL: write https://minio:9000`},
		"an endpoint of ftp":     {"[S3]\nendpoint = ftp://minio", `c:2: [S3] endpoint = "ftp://minio": must be a URL, such as https://host:port`},
		"a prefix that climbs":   {"[S3]\nprefix = a/../b", `c:2: [S3] prefix = "a/../b": must not contain . or .. as a segment`},
		"a prefix in Latin 1":    {"[S3]\nprefix = m\xfcll", `c:2: [S3] prefix = "m\xfcll": must be UTF-8 text`},
		"a header in two lines":  {"[S3]\ncache_control_chunk = a\rb", `c:2: [S3] cache_control_chunk = "a\rb": must not contain control characters`},
		"a bootstrap's path":     {"[AmazonHDSUpload]\ndefault_bucket = ems\nbootstrap = a/b", `c:3: [AmazonHDSUpload] bootstrap = "a/b": must be a file's name without a directory`},
		"a destination in words": {"[StreamAutoRouter]\ntoken =\ndestination_uri = my server", `c:3: [StreamAutoRouter] destination_uri = "my server": must be a host's name or address, or a URI such as rtmp://host/live`},

		// What belongs together.
		"no bucket":                {"[Log]\n[AmazonHLSUpload]\nwatch_dir = /a", "c:2: [AmazonHLSUpload] default_bucket: is missing: set it here or in [S3]"},
		"a wrong bucket":           {"[AmazonHLSUpload]\ndefault_bucket = ab", `c:2: [AmazonHLSUpload] default_bucket = "ab": must be a bucket's name alone: 3 to 63 letters, digits, dots and hyphens`},
		"an empty bucket":          {"[AmazonHLSUpload]\ndefault_bucket = ''", "c:2: [AmazonHLSUpload] default_bucket: is missing: set it here or in [S3]"},
		"a name without a secret":  {hls + "aws_access_key = A", "c:3: [AmazonHLSUpload] aws_access_key: is half a pair: set aws_secret_key, too"},
		"a secret without a name":  {hls + "aws_secret_key = s", "c:3: [AmazonHLSUpload] aws_secret_key: is half a pair: set aws_access_key, too"},
		"halves of two pairs":      {"[S3]\naws_access_key = A\naws_secret_key = s\n" + hls + "aws_access_key = B", `c:6: [AmazonHLSUpload] aws_access_key = "B": is half a pair: set aws_secret_key in this section, too`},
		"a secret of another pair": {"[S3]\naws_access_key = A\naws_secret_key = s\n" + hls + "aws_secret_key = t", `c:6: [AmazonHLSUpload] aws_secret_key = "***": is half a pair: set aws_access_key in this section, too`},
		"no such secret file":      {hls + "aws_access_key = A\naws_secret_key_file = /does/not/exist", `c:4: [AmazonHLSUpload] aws_secret_key_file = "/does/not/exist": must be the path of a readable file: no such file or directory`},
		"a secret and its file":    {hls + "aws_access_key = A\naws_secret_key = s\naws_secret_key_file = /f", `c:5: [AmazonHLSUpload] aws_secret_key_file = "/f": is set beside aws_secret_key: remove one of the two`},
		"one mistake in [S3] once": {"[S3]\ndefault_bucket = ems\naws_access_key = A\n[AmazonHLSUpload]\n[AmazonHDSUpload]", "c:3: [S3] aws_access_key: is half a pair: set aws_secret_key, too"},
		"names of runs and pieces": {"[S3]\ndefault_bucket = live\n[HLS]\nwatch_dir = /m\nsplit_ranges = on\nrun_prefix = on",
			`c:6: [HLS] run_prefix = "on": cannot be together with split_ranges = on, whose names never come back: set one of the two to off in [HLS]`},
		"names of runs and EMS's": {"[S3]\ndefault_bucket = live\nrun_prefix = on\n[HLS]\nwatch_dir = /m\nwriter = ems",
			`c:3: [S3] run_prefix = "on": does nothing with writer = ems, as the names of EMS's chunks never come back: set it to off in [HLS]`},
		"a key id without kms":     {hls + "kms_key_id = k", `c:3: [AmazonHLSUpload] kms_key_id = "k": needs server_side_encryption = aws:kms`},
		"no section for a plugin":  {"[Plugins]\n\nStreamRecorder = enabled", `c:3: [Plugins] StreamRecorder = "enabled": needs the section [StreamRecorder]: add it, or set StreamRecorder = disabled`},
		"a router without a token": {"[StreamAutoRouter]\ndestination_uri = h", "c:1: [StreamAutoRouter] token: is missing: the word that a stream's name must contain, or '' for every stream"},
		"a router to nowhere":      {"[StreamAutoRouter]\ntoken = ''\ndestination_uri = ''", "c:3: [StreamAutoRouter] destination_uri: is missing: the server to which streams are pushed"},
		"half a login":             {"[EMS]\nusername = me", "c:2: [EMS] username: is half a pair: set password, too"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := problems(t, c.text); len(got) != 1 || got[0] != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestAllMistakesAtOnceByLine(t *testing.T) {
	text := `x = 1
[Plugins]
AmazonHLSUpload = enabled
garbage
[Watcher]
settle = 'never
backend = pol
[Typo]
[AmazonHLSUpload]
watch_dir = here
`
	want := []string{
		"c:1: x: must be below a [Section]",
		"c:4: [Plugins]: must be key = value, a [Section], or a comment that begins with ;",
		`c:6: [Watcher] settle = "'never": must end with the quote that it begins with: '`,
		`c:7: [Watcher] backend = "pol": must be auto, inotify, fsnotify or poll (did you mean poll?)`,
	}
	got := problems(t, text)
	if len(got) != 7 || strings.Join(got[:4], "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
	for i, start := range []string{"c:8: [Typo]", "c:9: [AmazonHLSUpload] default_bucket", "c:10: [AmazonHLSUpload] watch_dir"} {
		if !strings.HasPrefix(got[4+i], start) {
			t.Errorf("%q, want %q…", got[4+i], start)
		}
	}
}

// A spool in a watched directory is fine where the watcher looks past it, and beside it anyway.
func TestSpoolsThatAreNotWatchedAreAccepted(t *testing.T) {
	for _, dir := range []string{"/a/.spool", "/a/.b/spool", "/a/b/.spool", "/ab", "/"} {
		if _, err := Parse("c", []byte("[AmazonHLSUpload]\ndefault_bucket = ems\nwatch_dir = /a\n[Upload]\nspool_dir = "+dir)); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	path := filepath.Join(dir, "config.ini")
	if err := os.WriteFile(path, []byte("[S3]\nx = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), path+":2: [S3] x: ") {
		t.Errorf("a mistake: %v", err)
	}
}

// Where events are of no use, nothing listens: the older services may still run on this host.
func TestHooksListenWhereEventsAreOfUse(t *testing.T) {
	const hls = "[S3]\ndefault_bucket = ems\n[AmazonHLSUpload]\n"
	for name, c := range map[string]struct {
		text         string
		on, asks, do bool
	}{
		"with a directory":      {hls + "watch_dir = /a\n", false, false, false},
		"asked for":             {hls + "watch_dir = /a\n[Hooks]\n", true, false, false},
		"EMS knows":             {hls, true, true, false},
		"an empty watch_dir":    {hls + "watch_dir = ''\n", true, true, false},
		"a plugin":              {"[TranscodeResetter]\n", true, false, true},
		"a plugin that is off":  {hls + "watch_dir = /a\n[TranscodeResetter]\n[Plugins]\nAmazonHLSUpload = enabled\n", false, false, false},
		"the documentation's":   {sample, true, true, true},
		"the older sections on": {switchesOn + sample, true, true, true},
	} {
		cfg, err := Parse("c", []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if cfg.Hooks.On != c.on || cfg.AsksEMS() != c.asks || cfg.Reacts() != c.do {
			t.Errorf("%s: on %v, asks %v, reacts %v", name, cfg.Hooks.On, cfg.AsksEMS(), cfg.Reacts())
		}
	}
}
