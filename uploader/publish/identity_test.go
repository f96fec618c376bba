package publish

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

var (
	written = time.Unix(1795334975, 123456789)
	version = media.Version{Size: 7, ModTime: written}
)

// etagOfContent is the MD5 of "content".
const etagOfContent = "9a0364b9e99bb480dd25e1f0284c8555"

func TestObjectIsTheFileBySizeAndTimeOrByItsMD5(t *testing.T) {
	for name, c := range map[string]struct {
		object *ObjectInfo
		want   Identity
	}{
		"none":                           {nil, Different},
		"same size and time":             {&ObjectInfo{Size: 7, ModTime: written}, Identical},
		"same size and time, other ETag": {&ObjectInfo{Size: 7, ModTime: written, ETag: "x"}, Identical},
		"another size":                   {&ObjectInfo{Size: 8, ModTime: written, ETag: etagOfContent}, Different},
		"another time, MD5":              {&ObjectInfo{Size: 7, ModTime: written.Add(1), ETag: etagOfContent}, Unclear},
		"no time, MD5":                   {&ObjectInfo{Size: 7, ETag: etagOfContent}, Unclear},
		"no time, MD5 in upper case":     {&ObjectInfo{Size: 7, ETag: ETag(strings.ToUpper(etagOfContent))}, Unclear},
		"no time, MD5 of parts":          {&ObjectInfo{Size: 7, ETag: etagOfContent + "-2"}, Different},
		"no time, opaque ETag":           {&ObjectInfo{Size: 7, ETag: "opaque"}, Different},
		"no time, no ETag":               {&ObjectInfo{Size: 7}, Different},
	} {
		if got := c.object.Compare(version); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestListedObjectIsTheFileIfItWasStoredSinceAndNamesNeverReturn(t *testing.T) {
	const stays, returns = true, false
	for name, c := range map[string]struct {
		object    *ObjectInfo
		immutable bool
		want      Identity
	}{
		"none":                           {nil, stays, Different},
		"another size":                   {&ObjectInfo{Size: 8, Stored: written.Add(time.Hour)}, stays, Different},
		"stored after it was written":    {&ObjectInfo{Size: 7, Stored: written.Add(time.Hour)}, stays, Identical},
		"stored in the same second":      {&ObjectInfo{Size: 7, Stored: written.Truncate(time.Second)}, stays, Identical},
		"stored before it was written":   {&ObjectInfo{Size: 7, Stored: written.Add(-time.Hour)}, stays, Unclear},
		"stored after, but names return": {&ObjectInfo{Size: 7, Stored: written.Add(time.Hour)}, returns, Unclear},
	} {
		if got := c.object.compareListed(version, c.immutable); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestOnlyChecksumsProveThatAnObjectIsTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		object  ObjectInfo
		content Identity
		want    Identity
	}{
		"same checksums":               {ObjectInfo{Size: 7}, Identical, Identical},
		"same checksums, another time": {ObjectInfo{Size: 7, ModTime: written.Add(1)}, Identical, Identical},
		"other checksums, same time":   {ObjectInfo{Size: 7, ModTime: written}, Different, Different},
		"another size":                 {ObjectInfo{Size: 8, ModTime: written}, Identical, Different},
		"no checksum, same time":       {ObjectInfo{Size: 7, ModTime: written}, Unclear, Unclear},
		"no checksum, another time":    {ObjectInfo{Size: 7, ModTime: written.Add(1)}, Unclear, Different},
		"no checksum, no time":         {ObjectInfo{Size: 7}, Unclear, Unclear},
	} {
		if got := c.object.Prove(version, c.content); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := (&ObjectInfo{Size: 7, ModTime: written}).Prove(media.Version{Size: 7}, Unclear); got != Unclear {
		t.Errorf("without the file's time: %v", got)
	}
}

func TestContentDecidesWhetherAnObjectIsTheBeginningOfARecording(t *testing.T) {
	for name, c := range map[string]struct {
		object ObjectInfo
		spoilt bool
		want   Identity
	}{
		"empty":                      {ObjectInfo{}, false, Identical},
		"shorter":                    {ObjectInfo{Size: 3}, false, Unclear},
		"as long":                    {ObjectInfo{Size: 7}, false, Unclear},
		"the file itself":            {ObjectInfo{Size: 7, ModTime: written}, false, Unclear},
		"the file itself, spoilt":    {ObjectInfo{Size: 7, ModTime: written}, true, Identical},
		"another one, spoilt":        {ObjectInfo{Size: 7, ModTime: written.Add(1)}, true, Unclear},
		"longer":                     {ObjectInfo{Size: 8}, false, Different},
		"not told whether it exists": {ObjectInfo{Untold: true}, false, Different},
	} {
		if got := c.object.Begins(version, c.spoilt); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestManifestIsKnownByItsSHA256OrElseByItsMD5(t *testing.T) {
	s := &snapshot{edition: edition{sum: [32]byte{1}, md5: etagOfContent}}
	for name, c := range map[string]struct {
		s      *snapshot
		object *ObjectInfo
		want   bool
	}{
		"none":                    {s, nil, false},
		"not published":           {nil, &ObjectInfo{}, false},
		"same SHA-256":            {s, &ObjectInfo{Sum: s.edition.hexSum(), ETag: "x"}, true},
		"another SHA-256":         {s, &ObjectInfo{Sum: strings.Repeat("0", 64), ETag: etagOfContent}, false},
		"no SHA-256, same MD5":    {s, &ObjectInfo{ETag: etagOfContent}, true},
		"no SHA-256, another MD5": {s, &ObjectInfo{ETag: "00112233445566778899aabbccddeeff"}, false},
		"neither":                 {&snapshot{}, &ObjectInfo{}, false},
	} {
		if got := c.s.isObject(c.object); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestParseETagDropsQuotesAndTheMarkOfAWeakOne(t *testing.T) {
	for text, want := range map[string]ETag{`"a"`: "a", `W/"a"`: "a", "a": "a", `""`: "", "": ""} {
		if got := ParseETag(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestETagContradictsOnlyWhatWasPutInTheSameWay(t *testing.T) {
	sum := func(etag ETag) Checksum {
		c, ok := etag.Checksum()
		if !ok {
			t.Fatalf("%s is no MD5", etag)
		}
		return c
	}
	const other = "00112233445566778899aabbccddeeff"
	for name, c := range map[string]struct {
		etag ETag
		sum  Checksum
		want bool
	}{
		"same":                          {etagOfContent, sum(etagOfContent), false},
		"same, in upper case":           {ETag(strings.ToUpper(etagOfContent)), sum(etagOfContent), false},
		"another":                       {other, sum(etagOfContent), true},
		"opaque":                        {"opaque", sum(etagOfContent), false},
		"none":                          {"", sum(etagOfContent), false},
		"of parts, not of the whole":    {other + "-2", sum(etagOfContent), false},
		"of the whole, not of parts":    {other, sum(etagOfContent + "-2"), false},
		"same of parts":                 {etagOfContent + "-2", sum(etagOfContent + "-2"), false},
		"another of parts":              {other + "-2", sum(etagOfContent + "-2"), true},
		"of another number of parts":    {etagOfContent + "-3", sum(etagOfContent + "-2"), true},
		"of an unknown number of parts": {etagOfContent + "-x", sum(etagOfContent + "-2"), false},
	} {
		if got := c.etag.Contradicts(c.sum); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestChecksumIsOfTheContentOrOfItsParts(t *testing.T) {
	for text, want := range map[string]Checksum{
		"AAAAAQ==":     {"\x00\x00\x00\x01", 0},
		"AAAAAQ==-1":   {"\x00\x00\x00\x01", 1},
		"AAAAAQ==-12":  {"\x00\x00\x00\x01", 12},
		"AAAAAQ==-0":   {},
		"AAAAAQ==--1":  {},
		"AAAAAQ==-":    {},
		"AAAAAQ==-1-1": {},
		"AAAAAAAAAAA=": {}, // of eight bytes
		"AAAAAQ":       {},
		"":             {},
	} {
		got, ok := ParseChecksum(text, 4, base64.StdEncoding.DecodeString)
		if got != want || ok != (want != Checksum{}) {
			t.Errorf("%q: %+v, %v, want %+v", text, got, ok, want)
		}
	}
}

func TestETagOfPartsIsTheMD5OfTheirMD5s(t *testing.T) {
	var parts []Checksum
	for _, content := range []string{"one", "two"} {
		sum, err := hex.DecodeString(MD5([]byte(content)))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, Checksum{Sum: string(sum)})
	}
	want := MD5(slices.Concat([]byte(parts[0].Sum), []byte(parts[1].Sum))) + "-2"
	if got := JoinMD5s(parts).String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := parts[0].String(); got != MD5([]byte("one")) {
		t.Errorf("of the content: %s", got)
	}
}
