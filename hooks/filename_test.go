package hooks

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var safeName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// hostileNames are what publishers may call their streams.
var hostileNames = []string{
	"a b", "a_b", "../evil", "..", ".", "", "/", `back\slash`, `quote"x`, "it's", "x;touch y", "$(touch y)", "`touch y`", "a|b", "a&b", "a>b",
	"n\nversion", "r\rversion", "nul\x00", "\xff\xfe", "ünï", "a=b", "a,b", "-rf", ".hidden", "trailing ", "tab\t", "pct%20x", "sl/ash", "CON", "con.mp4", "COM1",
	strings.Repeat("x", 4096), strings.Repeat("x", 4095) + "y", "Case", "case", "cam_0001", "cam_part0000", "end.", "s_a_b-0123456789abcdef",
}

func TestFileNamesAreSafeAndDifferent(t *testing.T) {
	for _, folds := range []bool{false, true} {
		seen := make(map[string]string)
		for _, name := range hostileNames {
			file := fileName(name, folds)
			if !safeName.MatchString(file) || len(file) > 200 || strings.Contains(file, "..") && !strings.Contains(name, "..") {
				t.Errorf("%.40q becomes %q", name, file)
			}
			if folds {
				file = strings.ToLower(file)
			}
			if other, ok := seen[file]; ok {
				t.Errorf("%.40q and %.40q both become %q", other, name, file)
			}
			seen[file] = name
		}
	}
}

// The server gives the first file after a restart, and the parts of a recording, such names.
func TestFileNamesDoNotMeetThoseThatTheServerMakes(t *testing.T) {
	for _, name := range []string{"cam_0001", "cam_part0000", "cam.ts", "cam.MP4", "cam-20261129-143045-007"} {
		if got := fileName(name, false); got == name {
			t.Errorf("%s is a name that the server makes for cam", name)
		}
	}
}

func TestAStampIsKnownAsOne(t *testing.T) {
	at := time.Date(2026, 11, 29, 14, 30, 45, 7e6, time.FixedZone("", 3600))
	if got := stamp(at); got != "-20261129-133045-007" {
		t.Error(got)
	}
	for path, want := range map[string]bool{
		"/rec/cam" + stamp(at): true, "/rec/cam": false, "/rec/cam2" + stamp(at): false, "/rec/cam" + stamp(at) + "x": false, "/rec/ca": false,
	} {
		if got := isOf(path, "/rec/cam"); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

func TestPlainNamesStayReadable(t *testing.T) {
	for _, name := range []string{"live1", "News-24.hd", "a_b"} {
		if got := fileName(name, false); got != name {
			t.Errorf("%s becomes %s", name, got)
		}
	}
}

func TestPathsAreOfTheServersKind(t *testing.T) {
	for _, c := range [][2]string{
		{"/var/rec", "/var/rec/x"}, {"/var/rec/", "/var/rec/x"}, {`C:\rec\`, `C:\rec\x`}, {`C:\rec`, `C:\rec\x`}, {"C:/rec/", "C:/rec/x"},
	} {
		if got := pathIn(c[0], "x"); got != c[1] {
			t.Errorf("%s: %s", c[0], got)
		}
	}
}
