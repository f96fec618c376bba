package media

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func namesOf(t *testing.T, dir, public string) *Names {
	t.Helper()
	roots, err := NewRootAddresses("/srv/live", public)
	if err != nil {
		t.Fatal(err)
	}
	return NewNames(dir, roots)
}

// haves returns what reports whether a file is one of these, separated by blanks.
func haves(files string) func(string) bool {
	return func(p string) bool { return slices.Contains(strings.Split(files, "|"), p) }
}

func TestAnAddressMayMeanAFileBesideTheManifestOrBelow(t *testing.T) {
	for uri, want := range map[string]string{
		"https://cdn.example.com/live/low/s0.ts?token=a/b": "g/live/low/s0.ts g/low/s0.ts g/s0.ts",
		"//cdn.example.com/s%30.ts":                        "g/s0.ts g/s%30.ts",
		"/live/s0.ts":                                      "live/s0.ts g/live/s0.ts g/s0.ts",
		"file:///var/www/s0.ts":                            "g/var/www/s0.ts g/www/s0.ts g/s0.ts",
		`C:\live\s0.ts`:                                    "g/C:/live/s0.ts g/live/s0.ts g/s0.ts",
		"/../../s0.ts":                                     "s0.ts g/s0.ts", // never above the directory
		"s0.ts?a":                                          "g/s0.ts?a g/s0.ts",
		"../s0.ts":                                         "s0.ts",
		"https://cdn.example.com/live/":                    "",
		"https://cdn.example.com":                          "",
		"data:text/plain;base64,AAAA":                      "",
		"urn:uuid:1":                                       "",
		"skd://key":                                        "",
		"/\x00/s0.ts":                                      "",
		"/%00/s0.ts":                                       "",
	} {
		roots, err := NewRootAddresses("/", "")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(uri, "/live") && !strings.HasPrefix(uri, "/..") {
			roots = RootAddresses{}
		}
		if got := strings.Join(NewNames("g", roots).All(uri), " "); got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
		for p := range strings.FieldsSeq(want) {
			if got, _ := NewNames("g", roots).File(uri, haves(p)); got != p {
				t.Errorf("%s means %q if only %s exists", uri, got, p)
			}
		}
	}
}

func TestWhatOneAddressMeansTellsWhatItsNeighboursDo(t *testing.T) {
	n := namesOf(t, "g", "")
	none, some := haves(""), haves("g/low/s1.ts")
	if p, _ := n.File("https://h/x/low/s0.ts", none); p != "" {
		t.Errorf("a file of another host is %s", p)
	}
	n.Learn(Manifest{references: slices.Values([]Reference{{URI: "s9.ts"}, {URI: "https://h/x/low/s1.ts"}})}, some)
	for uri, want := range map[string]string{
		"http://H:80/x/low/s0.ts": "g/low/s0.ts", "https://h/x/ad.ts": "", "https://h2/x/low/s0.ts": "", "/x/low/s0.ts": "",
	} {
		if p, _ := n.File(uri, none); p != want {
			t.Errorf("%s means %q, want %q", uri, p, want)
		}
	}
}

func TestTheSearchForFilesIsBounded(t *testing.T) {
	n, asked := namesOf(t, "g", ""), 0
	for i := range 3 * maxPlaces {
		n.File("https://h/"+strings.Repeat("a/", 20)+fmt.Sprint(i)+"/s.ts", func(string) bool { asked++; return false })
	}
	if asked > maxPlaces*maxElements {
		t.Errorf("%d files were asked for", asked)
	}
}

func TestAPublicAddressMeansTheRoot(t *testing.T) {
	const public = "https://cdn.example.com/live https://CDN.example.com:443/live/eu/ //other.example.com/ /origin/ https://x/a%20b/"
	for uri, want := range map[string]string{
		"https://cdn.example.com/live/g/s.ts?t=1#f":   "g/s.ts",
		"http://CDN.EXAMPLE.COM:80/live/g/s.ts":       "g/s.ts",
		"//cdn.example.com/live/g/s.ts":               "g/s.ts",
		"/live/g/s.ts":                                "g/s.ts",
		"https://u:p@cdn.example.com/live/g/s.ts":     "g/s.ts",
		"https://cdn.example.com/live/eu/g/s.ts":      "g/s.ts", // the longest
		"https://cdn.example.com/live/eux/g/s.ts":     "eux/g/s.ts",
		"https://cdn.example.com/live/g/%61/../s.ts":  "g/s.ts",
		"https://cdn.example.com/live/%67/a%20b.ts":   "g/a b.ts",
		"https://cdn.example.com/%6Cive/g/s.ts":       "g/s.ts",
		"https://x/a b/g/s.ts":                        "g/s.ts",
		"https://other.example.com/g/s.ts":            "g/s.ts",
		"/origin/g/s.ts":                              "g/s.ts",
		"/srv/live/g/s.ts":                            "g/s.ts",
		"file:///srv/live/g/s.ts":                     "g/s.ts",
		"https://cdn.example.com/live/..%2f../s.ts":   "..%2f../s.ts",
		"https://cdn.example.com/live/..%2f..%2fs.ts": "..%2f..%2fs.ts", // never out of the root
		"https://cdn.example.com:8443/live/g/s.ts":    "",
		"https://cdn.example.com/lives/g/s.ts":        "",
		"https://cdn.example.com/live/../g/s.ts":      "",
		"https://cdn.example.com/live":                "",
		"https://x/origin/g/s.ts":                     "",
		"https://ads.example.com/live/g/s.ts":         "", // although g/s.ts exists
		"ftp://cdn.example.com/live/g/s.ts":           "",
		"https://cdn.example.com/live/":               "",
		"https://cdn.example.com/live/g/sub/../../..": "",
	} {
		have := haves("g/s.ts|g/live/g/s.ts")
		if strings.HasPrefix(uri, "/") && !strings.HasPrefix(uri, "//") {
			have = haves("")
		}
		if got, _ := namesOf(t, "g", public).File(uri, have); got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
}

func TestAPathOnTheHostIsFoundBesideTheManifestAlthoughThePublicAddressIsKnown(t *testing.T) {
	n := namesOf(t, "g", "https://h/")
	if p, _ := n.File("/mnt/copy/g/s.ts", haves("g/s.ts")); p != "g/s.ts" {
		t.Errorf("it is %q", p)
	}
	if got := n.Relative("/mnt/copy/g/s2.ts"); got != "s2.ts" {
		t.Errorf("it becomes %q", got)
	}
}

func TestOnlyAddressesOfPlayersArePublic(t *testing.T) {
	for _, text := range []string{"cdn.example.com/live", "ftp://h/", "file:///srv", "https://", "https://h/?a=1",
		"https://h/#a", `C:\live`, "https:/h", "data:x"} {
		if _, err := NewRootAddresses("/srv", "https://h/ "+text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnAddressOfAFileOfTheRootBecomesRelative(t *testing.T) {
	const cdn = "https://cdn.example.com/live"
	for _, c := range []struct{ dir, public, uri, want string }{
		{"g/s", cdn, cdn + "/g/s/a%20b.ts?token=a/b&c=%2f#t=1", "a%20b.ts?token=a/b&c=%2f#t=1"},
		{"g/s", cdn, cdn + "/g/s/low/a.ts", "low/a.ts"},
		{"g/s", cdn, cdn + "/g/t/a.ts", "../t/a.ts"},
		{"g/s", cdn, cdn + "/a.ts", "../../a.ts"},
		{"g/s", cdn, cdn + "/h/i/j/a.ts", "../../h/i/j/a.ts"},
		{"g/s", cdn, cdn + "/g/s/../%73/./a.ts", "a.ts"},
		{"g/s", cdn, "/live/g/s/a.ts", "a.ts"},
		{"g/s", cdn, "//cdn.example.com/live/g/s/a.ts", "a.ts"},
		{"g/s", cdn, "/srv/live/g/s/a.ts", "a.ts"},
		{"g/s", cdn, cdn + "/g/s/10:30.ts", "./10:30.ts"},
		{"g/s", cdn, cdn + "/g/s/$RepresentationID$/s-$Number%05d$.m4s", "$RepresentationID$/s-$Number%05d$.m4s"},
		{"g/s", cdn, cdn + "/g/s/", "./"},
		{"g/s", cdn, cdn + "/g/s/low/", "low/"},
		{"g/s", cdn, cdn + "/g/", "../"},
		{"g/s", cdn, cdn + "/", "../../"},
		{".", cdn, cdn + "/", "./"},
		{".", cdn, cdn + "/a.ts", "a.ts"},
		{".", cdn, cdn + "/g/a.ts", "g/a.ts"},
		{"g/s", cdn, "https://cdn.example.com/a.ts", "https://cdn.example.com/a.ts"},
		{"g/s", cdn, "https://ads.example.com/live/g/s/have.ts", "https://ads.example.com/live/g/s/have.ts"},
		{"g/s", cdn, "a.ts", "a.ts"},
		{"g/s", cdn, "data:text/plain,x", "data:text/plain,x"},
		{"g/s", cdn, "skd://key", "skd://key"},
		// Without a public address: what was learnt of https://h/x/have.ts, and of /x/low/have.ts.
		{"g/s", "", "https://h/x/a.ts?b", "a.ts?b"},
		{"g/s", "", "https://h/x/", "./"},
		{"g/s", "", "https://h/x/low/", "low/"},
		{"g/s", "", "https://h/y/", "https://h/y/"},
		{"g/s", "", "https://h/", "https://h/"},
		{"g/s", "", "/x/low/a.ts", "low/a.ts"},
		{"g/s", "", "/x/s/a.ts", "a.ts"},
		{"g/s", "", "/x/", "../"}, // /x/s is the manifest's directory
		{"g/s", "", "/x/s/", "./"},
		{"g/s", "", "https://h/x/v-$Number$.m4s", "v-$Number$.m4s"},
	} {
		n := namesOf(t, c.dir, c.public)
		learnt := []string{"https://h/x/have.ts", "https://ads.example.com/live/g/s/have.ts", "/x/s/low/have.ts", "/x/s/have.ts"}
		if c.uri == "/x/low/a.ts" {
			learnt = []string{"/x/low/have.ts"}
		}
		for _, uri := range learnt {
			n.File(uri, haves("g/s/have.ts|g/s/low/have.ts"))
		}
		if got := n.Relative(c.uri); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.uri, c.dir, got, c.want)
		}
	}
}

func TestPathsOnTheHostAreNoAddressesOfPlayers(t *testing.T) {
	for uri, want := range map[string]bool{
		"/srv/live/g/s0.ts": true, "file:///x/s0.ts": true, `D:\live\s0.ts`: true, "C:/live/s0.ts": true,
		"/live/s0.ts": false, "/srv/live2/s0.ts": false, "https://h/s0.ts": false, "s0.ts": false, "a://h/s0.ts": false,
	} {
		if got := IsHostPath("/srv/live", uri); got != want {
			t.Errorf("%s: %v, want %v", uri, got, want)
		}
	}
}
