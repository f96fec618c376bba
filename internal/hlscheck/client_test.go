package hlscheck

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A version is a playlist in short. Its segments are names; a | between two of them is a seam, a
// name with a ! is a gap, and a name with =n lasts n seconds instead of 4.
type version struct {
	seq, seam  int
	target     int    // 0 is 4
	protocol   int    // 0 is 6
	kind       string // EVENT, VOD, or empty
	head       string // lines before the segments
	segments   string
	end        bool
	withoutDSN bool // EXT-X-DISCONTINUITY-SEQUENCE
	after      time.Duration
}

func (v version) text() string {
	or := func(n, other int) int {
		if n == 0 {
			return other
		}
		return n
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", or(v.protocol, 6), or(v.target, 4), v.seq)
	if !v.withoutDSN {
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", v.seam)
	}
	if v.kind != "" {
		fmt.Fprintf(&b, "#EXT-X-PLAYLIST-TYPE:%s\n", v.kind)
	}
	b.WriteString(v.head)
	for _, s := range strings.Fields(v.segments) {
		if s == "|" {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
			continue
		}
		if strings.HasPrefix(s, "#") {
			b.WriteString(s + "\n")
			continue
		}
		name, lasts, given := strings.Cut(s, "=")
		if !given {
			lasts = "4"
		}
		name, gap := strings.CutSuffix(name, "!")
		if gap {
			b.WriteString("#EXT-X-GAP\n")
		}
		fmt.Fprintf(&b, "#EXTINF:%s,\n%s\n", lasts, name)
	}
	if v.end {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.String()
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// watch shows a client the versions, each 4 s after the one before unless it says otherwise.
func watch(c *Client, versions ...version) (all []Finding) {
	at := noon
	for _, v := range versions {
		at = at.Add(max(v.after, 4*time.Second))
		all = append(all, c.See(at, []byte(v.text()))...)
	}
	return all
}

// rolling is a stream that a client may see before what it is to find.
var rolling = []version{
	{seq: 1, segments: "a1 a2 a3"},
	{seq: 1, segments: "a1 a2 a3 a4"},
	{seq: 2, segments: "a2 a3 a4 a5"},
}

func TestEachViolationIsFound(t *testing.T) {
	now := func(v ...version) []version { return append(slices.Clone(rolling), v...) }
	event := version{seq: 1, kind: "EVENT", segments: "a1 a2 a3"}
	key := func(attributes string) string { return "#EXT-X-KEY:" + attributes + "\n" }
	for name, c := range map[string]struct {
		versions []version
		want     Rule
	}{
		"the sequence decreases":                    {now(version{seq: 1, segments: "a1 a2 a3 a4 a5"}), Sequence},
		"it begins again at 1":                      {now(version{seq: 1, segments: "b1"}), Sequence},
		"the numbers shift":                         {now(version{seq: 3, segments: "a2 a3 a4 a5"}), Number},
		"one is listed twice":                       {now(version{seq: 2, segments: "a2 a3 a4 a5 a5"}), Number},
		"one comes back under another number":       {now(version{seq: 3, segments: "a3 a4 a5 a1"}), Number},
		"one has left the middle":                   {now(version{seq: 2, segments: "a2 a4 a5 a6"}), Changed},
		"the newest leaves":                         {now(version{seq: 2, segments: "a2 a3 a4"}), Order},
		"all are replaced under their numbers":      {now(version{seq: 2, segments: "b2 b3 b4 b5"}), Changed},
		"too few stay":                              {now(version{seq: 4, segments: "a4 a5"}), Short},
		"too few stay, of a new run":                {now(version{seq: 6, seam: 1, segments: "b1"}), Short},
		"a seam is added behind the fact":           {now(version{seq: 2, segments: "a2 a3 | a4 a5"}), Discontinuity},
		"a seam leaves and is not counted":          {[]version{{seq: 1, segments: "a1 | b1 b2 b3"}, {seq: 3, segments: "b2 b3 b4"}}, Discontinuity},
		"a seam leaves and is counted twice":        {[]version{{seq: 1, segments: "a1 | b1 b2 b3"}, {seq: 3, seam: 2, segments: "b2 b3 b4"}}, Discontinuity},
		"a seam is forgotten":                       {[]version{{seq: 1, segments: "a1 a2 a3 | b1"}, {seq: 5, segments: "c1 c2 c3"}}, Discontinuity},
		"the discontinuity sequence decreases":      {[]version{{seq: 1, seam: 3, segments: "a1 a2 a3"}, {seq: 4, seam: 2, segments: "b1 b2 b3"}}, DiscontinuityUp},
		"seams and no discontinuity sequence":       {[]version{{seq: 1, segments: "a1 a2 | b1 b2", withoutDSN: true}, {seq: 2, segments: "a2 | b1 b2 b3", withoutDSN: true}}, Seams},
		"a duration changes":                        {now(version{seq: 2, segments: "a2 a3 a4=3.9 a5 a6"}), Changed},
		"a title changes":                           {now(version{seq: 2, segments: "a2 a3 a4 a5=4,title"}), Changed},
		"a key appears":                             {now(version{seq: 2, head: key(`METHOD=AES-128,URI="k"`), segments: "a2 a3 a4 a5 a6"}), Changed},
		"a map appears":                             {now(version{seq: 2, head: "#EXT-X-MAP:URI=\"m\"\n", segments: "a2 a3 a4 a5 a6"}), Changed},
		"a byte range appears":                      {now(version{seq: 2, segments: "a2 a3 a4 #EXT-X-BYTERANGE:5@0 a5"}), Changed},
		"a date changes":                            {[]version{{segments: "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T12:00:00Z a1"}, {segments: "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T12:00:01Z a1"}}, Changed},
		"a gap appears":                             {now(version{seq: 2, segments: "a2 a3 a4! a5"}), Changed},
		"a gap goes":                                {[]version{{segments: "a0 a1!"}, {segments: "a0 a1"}}, Changed},
		"the target duration decreases":             {[]version{{segments: "a0", target: 6}, {segments: "a0 a1"}}, Target},
		"the version decreases":                     {now(version{seq: 2, segments: "a2 a3 a4 a5 a6", protocol: 3}), Version},
		"a type appears":                            {now(version{seq: 2, kind: "EVENT", segments: "a2 a3 a4 a5 a6"}), Type},
		"a type goes":                               {[]version{event, {seq: 1, segments: "a1 a2 a3 a4"}}, Type},
		"EVENT is VOD without an end":               {[]version{event, {seq: 1, kind: "VOD", segments: "a1 a2 a3 a4"}}, Type},
		"VOD changes":                               {[]version{{kind: "VOD", segments: "a1"}, {kind: "VOD", segments: "a1 a2"}}, Type},
		"a playlist of type EVENT loses its head":   {[]version{event, {seq: 2, kind: "EVENT", segments: "a2 a3 a4"}}, Event},
		"a playlist of type EVENT loses its tail":   {[]version{event, {seq: 1, kind: "EVENT", segments: "a1 a2"}}, Event},
		"a segment follows the end":                 {[]version{{segments: "a0 a1", end: true}, {segments: "a0 a1 a2"}}, End},
		"the end is taken back":                     {[]version{{segments: "a0 a1", end: true}, {segments: "a0 a1"}}, End},
		"a segment is too long":                     {[]version{{segments: "a0=4.5"}}, Long},
		"a key without a URI":                       {[]version{{head: key("METHOD=AES-128"), segments: "a0"}}, Key},
		"an unknown method":                         {[]version{{head: key(`METHOD=ROT13,URI="k"`), segments: "a0"}}, Key},
		"no method":                                 {[]version{{head: key(`URI="k"`), segments: "a0"}}, Key},
		"no encryption, with a URI":                 {[]version{{head: key(`METHOD=NONE,URI="k"`), segments: "a0"}}, Key},
		"an IV that is no number":                   {[]version{{head: key(`METHOD=AES-128,URI="k",IV=17`), segments: "a0"}}, Key},
		"a map without a URI":                       {[]version{{head: "#EXT-X-MAP:BYTERANGE=\"5@0\"\n", segments: "a0"}}, Map},
		"a map with a range that is none":           {[]version{{head: "#EXT-X-MAP:URI=\"m\",BYTERANGE=\"5@x\"\n", segments: "a0"}}, Map},
		"an encrypted map without an IV":            {[]version{{head: key(`METHOD=AES-128,URI="k"`) + "#EXT-X-MAP:URI=\"m\"\n", segments: "a0"}}, Map},
		"a fraction in version 2":                   {[]version{{protocol: 2, segments: "a0=3.5"}}, Protocol},
		"a range in version 3":                      {[]version{{protocol: 3, segments: "#EXT-X-BYTERANGE:5@0 a0"}}, Protocol},
		"a map in version 5":                        {[]version{{protocol: 5, head: "#EXT-X-MAP:URI=\"m\"\n", segments: "a0"}}, Protocol},
		"an IV in version 1":                        {[]version{{protocol: 1, head: key(`METHOD=AES-128,URI="k",IV=0x1`), segments: "a0"}}, Protocol},
		"a range without an offset":                 {[]version{{segments: "#EXT-X-BYTERANGE:5 a0"}}, Syntax},
		"a range that is none":                      {[]version{{segments: "#EXT-X-BYTERANGE:x@0 a0"}}, Syntax},
		"a map that is no list":                     {[]version{{head: "#EXT-X-MAP:m\n", segments: "a0"}}, Syntax},
		"two lengths of one segment":                {[]version{{segments: "#EXTINF:4, a0"}}, Syntax},
		"an attribute that comes twice":             {[]version{{head: key(`METHOD=AES-128,METHOD=NONE`), segments: "a0"}}, Syntax},
		"an attribute without quotes at the end":    {[]version{{head: key(`METHOD=AES-128,URI="k`), segments: "a0"}}, Syntax},
		"a comma at the end":                        {[]version{{head: key(`METHOD=AES-128,`), segments: "a0"}}, Syntax},
		"a tag that comes twice":                    {[]version{{head: "#EXT-X-VERSION:6\n", segments: "a0"}}, Syntax},
		"a sequence behind a segment":               {[]version{{head: "#EXTINF:4,\na\n#EXT-X-MEDIA-SEQUENCE:0\n", segments: "a0"}}, Syntax},
		"a discontinuity sequence behind the seam":  {[]version{{withoutDSN: true, segments: "| #EXT-X-DISCONTINUITY-SEQUENCE:1 a0"}}, Syntax},
		"a tag of a master playlist":                {[]version{{head: "#EXT-X-STREAM-INF:BANDWIDTH=1\n", segments: "a0"}}, Syntax},
		"no segment behind EXTINF":                  {[]version{{segments: "a0 #EXTINF:4,"}}, Syntax},
		"an unknown type":                           {[]version{{kind: "LIVE", segments: "a0"}}, Syntax},
		"a control character":                       {[]version{{segments: "a0\x01"}}, Syntax},
		"a date that is none":                       {[]version{{segments: "#EXT-X-PROGRAM-DATE-TIME:yesterday a0"}}, Syntax},
		"a jump that leaves too little, and a hole": {now(version{seq: 9, segments: "a9 a10"}), Short},
	} {
		t.Run(name, func(t *testing.T) {
			before, last := c.versions[:len(c.versions)-1], c.versions[len(c.versions)-1]
			client := &Client{Name: "p"}
			if found := Violations(watch(client, before...)); len(found) > 0 {
				t.Fatalf("before it: %v", found)
			}
			found := Violations(client.See(noon.Add(time.Hour), []byte(last.text())))
			if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == c.want }) {
				t.Errorf("%q is not among what is found: %v\n%s", c.want, found, last.text())
			}
		})
	}
}

func TestTextsThatAreNoPlaylistsAreFound(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                "",
		"no first line":        "#\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n",
		"two first lines":      "#EXTM3U\n#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n",
		"no target duration":   "#EXTM3U\n#EXTINF:4,\na\n",
		"a segment of its own": "#EXTM3U\n#EXT-X-TARGETDURATION:4\na\n",
		"a byte order mark":    "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n",
		"a broken encoding":    "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\xff\n",
		"no number":            "#EXTM3U\n#EXT-X-TARGETDURATION:4.0\n#EXTINF:4,\na\n",
		"no comma":             "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4\na\n",
	} {
		_, found := Parse([]byte(text))
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == Syntax }) {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// What a live stream does over three runs, with keys that change, an end, and its return.
func TestAStreamThatFollowsTheRulesIsNotBlamed(t *testing.T) {
	keyed := `#EXT-X-KEY:METHOD=AES-128,URI="a.key"`
	client := &Client{Name: "p", AfterEnd: time.Minute, Exists: func(string) bool { return true }}
	found := watch(client,
		version{seq: 1, segments: keyed + " a1"},
		version{seq: 1, segments: keyed + " a1 a2"},
		version{seq: 1, segments: keyed + " a1 a2 a3"},
		version{seq: 2, segments: keyed + " a2 a3 a4"},
		// The same vectors, now explicit; the new run has other ones than its numbers give.
		version{seq: 3, segments: `#EXT-X-KEY:METHOD=AES-128,URI="a.key",IV=0x3 a3 #EXT-X-KEY:METHOD=AES-128,URI="a.key",IV=0x4 a4 ` +
			`#EXT-X-KEY:METHOD=NONE | b1`},
		version{seq: 4, segments: keyed + " a4 #EXT-X-KEY:METHOD=NONE | b1 b2"},
		version{seq: 5, segments: "| b1 b2 b3"},              // the seam is still before the head
		version{seq: 5, seam: 1, segments: "b1 b2 b3 b4!"},   // or is counted
		version{seq: 6, seam: 1, segments: "b2 b3 b4! b5"},   // a gap from the beginning
		version{seq: 7, seam: 1, segments: "b3 b4! b5 | c1"}, // a third run
		version{seq: 7, seam: 1, segments: "b3 b4! b5 | c1", end: true},
		version{seq: 11, seam: 3, segments: "d1", after: time.Minute},
		version{seq: 11, seam: 3, segments: "d1 d2 d3=0.5"},
	)
	if len(found) > 0 {
		t.Errorf("%v", found)
	}
	if client.Versions() != 13 {
		t.Errorf("%d versions", client.Versions())
	}
}

// What a server wrote for a quarter of an hour, with its own reconnects cut off.
func TestRecordedPlaylistsAreNotBlamed(t *testing.T) {
	versions, err := filepath.Glob("../../testdata/live/manifests/*_hls__*playlist.m3u8")
	if err != nil {
		t.Fatal(err)
	}
	client, seen := &Client{Name: "recorded"}, 0
	for i, file := range versions {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if children, _ := Children(file, text); children != nil {
			continue
		}
		seen++
		for _, f := range Violations(client.See(noon.Add(time.Duration(i)*time.Second), text)) {
			t.Errorf("%s: %v", file, f)
		}
	}
	if seen < 3 {
		t.Errorf("%d recorded playlists", seen)
	}
}

func TestAStreamMayReturnOnlyAfterTheGivenTimeAndWithNewNumbers(t *testing.T) {
	ended := []version{{seq: 1, segments: "a1 a2 a3"}, {seq: 1, segments: "a1 a2 a3", end: true}}
	for name, c := range map[string]struct {
		returns version
		want    []Rule
	}{
		"in time":                 {version{seq: 4, seam: 1, segments: "b1", after: time.Minute}, nil},
		"with its tail":           {version{seq: 2, segments: "a2 a3 | b1", after: time.Minute}, nil},
		"with another type":       {version{seq: 4, seam: 1, kind: "EVENT", segments: "b1", after: time.Minute}, nil},
		"too early":               {version{seq: 4, seam: 1, segments: "b1", after: time.Minute - 1}, []Rule{Short, End}},
		"without a discontinuity": {version{seq: 4, segments: "b1", after: time.Minute}, []Rule{NewLife}},
		"with numbers from 1":     {version{seq: 1, seam: 1, segments: "b1", after: time.Minute}, []Rule{Changed, Order}},
	} {
		client := &Client{Name: "p", AfterEnd: time.Minute}
		var rules []Rule
		for _, f := range Violations(watch(client, append(slices.Clone(ended), c.returns)...)) {
			rules = append(rules, f.Rule)
		}
		slices.Sort(rules)
		slices.Sort(c.want)
		if !slices.Equal(rules, c.want) {
			t.Errorf("%s: %q, want %q", name, rules, c.want)
		}
	}
}

func TestNoOneHasWaitedForAPlaylistThatStoodStillForLong(t *testing.T) {
	later := version{seq: 6, seam: 1, segments: "b1", after: time.Hour}
	patient := &Client{Name: "p", AfterSilence: time.Hour}
	if found := Violations(watch(patient, append(slices.Clone(rolling), later)...)); len(found) > 0 {
		t.Errorf("%v", found)
	}
	shrunk := version{seq: 5, segments: "a5", after: time.Hour}
	if found := Violations(watch(&Client{Name: "p", AfterSilence: time.Hour}, append(slices.Clone(rolling), shrunk)...)); len(found) != 1 || found[0].Rule != Short {
		t.Errorf("with a segment that they had: %v", found)
	}
	later.after--
	if found := Violations(watch(&Client{Name: "p", AfterSilence: time.Hour}, append(slices.Clone(rolling), later)...)); len(found) != 1 || found[0].Rule != Short {
		t.Errorf("a moment before: %v", found)
	}
}

func TestWhatCannotBeAvoidedIsANote(t *testing.T) {
	for name, c := range map[string]struct {
		versions []version
		want     Rule
	}{
		"a target duration that grows": {[]version{{segments: "a0"}, {segments: "a0 a1=5", target: 5}}, Target},
		"numbers that are left out":    {append(slices.Clone(rolling), version{seq: 7, segments: "a7 a8 a9"}), Jump},
		"the type of a VOD at its end": {[]version{{kind: "EVENT", segments: "a0"}, {kind: "VOD", segments: "a0 a1", end: true}}, Type},
		"low latency":                  {[]version{{head: "#EXT-X-PART:DURATION=1,URI=\"x\"\n", segments: "a0"}}, Unknown},
	} {
		found := watch(&Client{Name: "p"}, c.versions...)
		if len(found) != 1 || !found[0].Note || found[0].Rule != c.want {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestAGapMayAppearOnlyForWhatIsGone(t *testing.T) {
	there := true
	client := &Client{Name: "p", Exists: func(uri string) bool { return uri != "a2" || there }}
	if found := watch(client, version{seq: 1, segments: "a1 a2 a3"}); len(found) > 0 {
		t.Errorf("%v", found)
	}
	gap := version{seq: 1, segments: "a1 a2! a3"}
	if found := Violations(client.Judge(noon.Add(time.Minute), []byte(gap.text()))); len(found) != 1 || found[0].Rule != Changed {
		t.Errorf("the object exists: %v", found)
	}
	there = false
	if found := client.Verify(noon.Add(time.Minute)); len(found) != 1 || found[0].Rule != Missing {
		t.Errorf("the object is gone: %v", found)
	}
	found := client.See(noon.Add(time.Minute), []byte(gap.text()))
	if len(found) != 1 || !found[0].Note || found[0].Rule != Changed {
		t.Errorf("the gap is stated: %v", found)
	}
	if found := client.Verify(noon.Add(time.Minute)); len(found) > 0 {
		t.Errorf("a gap is fetched: %v", found)
	}
}

func TestWhatIsListedMustBeThere(t *testing.T) {
	for _, missing := range []string{"a2", "k", "m"} {
		client := &Client{Name: "p", Exists: func(uri string) bool { return uri != missing }}
		found := watch(client, version{seq: 1,
			head: "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-MAP:URI=\"m\"\n", segments: "a1 a2"})
		if len(found) != 1 || found[0].Rule != Missing || !strings.Contains(found[0].What, missing+" is listed") {
			t.Errorf("%s: %v", missing, found)
		}
	}
}

// A segment that has left stays for its own duration and that of the longest playlist with it:
// here 4 s and 16 s.
func TestWhatHasLeftStaysForAWhile(t *testing.T) {
	there := true
	client := &Client{Name: "p", Exists: func(uri string) bool { return uri != "a1" || there }}
	watch(client, rolling...) // a1 leaves with the last of three versions
	left := noon.Add(3 * 4 * time.Second)
	there = false
	if found := client.Verify(left.Add(20*time.Second - 1)); len(found) != 1 || found[0].Rule != Early {
		t.Errorf("a moment too early: %v", found)
	}
	if found := client.Verify(left.Add(20 * time.Second)); len(found) > 0 {
		t.Errorf("in time: %v", found)
	}
}

func TestTheVectorOfASegmentIsItsOwnOrItsNumber(t *testing.T) {
	p, found := Parse([]byte(version{seq: 30, segments: `a #EXT-X-KEY:METHOD=AES-128,URI="k" b #EXT-X-KEY:METHOD=AES-128,URI="k",IV=0xAb c`}.text()))
	if len(found) > 0 {
		t.Fatal(found)
	}
	for i, want := range []string{"", strings.Repeat("0", 30) + "1f", strings.Repeat("0", 30) + "ab"} {
		if got := p.Segments[i].IV(); got != want {
			t.Errorf("%s: %q, want %q", p.Segments[i].URI, got, want)
		}
	}
}
