package events

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// requests returns the requests that a real server sent in one serialization, by what they tell.
// The same name is the same event in each of the three.
func requests(t testing.TB, serializer string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recordings, serializer, "*.http"))
	if err != nil || len(files) != 65 {
		t.Fatal(serializer, len(files), err)
	}
	all := make(map[string][]byte)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".http")] = raw
	}
	return all
}

// decoded returns the event of a recorded request. Times are rounded: JSON has four decimals, XML
// three.
func decoded(t testing.TB, raw []byte) Event {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Decode(r.Header.Get("Content-Type"), body)
	if err != nil {
		t.Error(err)
	}
	e.Stream.CreationTimestamp = math.Round(e.Stream.CreationTimestamp)
	e.Stream.UpTime = math.Round(e.Stream.UpTime)
	return e
}

func TestRecordedXMLSaysWhatTheJSONSays(t *testing.T) {
	json := requests(t, "json")
	for _, serializer := range []string{"xml", "xmlrpc"} {
		for name, raw := range requests(t, serializer) {
			got, want := decoded(t, raw), decoded(t, json[name])
			if !reflect.DeepEqual(got, want) || got.ID == 0 || got.ProcessID == 0 || got.Timestamp == 0 {
				t.Errorf("%s of %s:\n%+v\n%+v", name, serializer, got, want)
			}
		}
	}
}

func TestRecordedNamesKeepTheirBytesInEachSerialization(t *testing.T) {
	for kind, want := range map[string]string{
		"ampersand": "a&b", "angles": "a<b>c", "quotes": `q"uo'te`, "utf8": "bäm-日本", "entity": "semi;amp&amp;x",
		"cdata": "]]>cdata", "control": "ctl\x01x", "tab": "tab\tx",
	} {
		for _, serializer := range []string{"json", "xml", "xmlrpc"} {
			all := requests(t, serializer)
			for _, subject := range []string{"inStreamCreated-INR", "outStreamCreated-OFTS-recordSettings"} {
				e := decoded(t, all[subject+"-name-"+kind])
				if e.Name != want || e.Stream.Name != want {
					t.Errorf("%s of %s in %s: %q, %q", kind, subject, serializer, e.Name, e.Stream.Name)
				}
			}
		}
	}
}

func TestRecordedRequestsArriveInEachSerialization(t *testing.T) {
	for _, serializer := range []string{"json", "xml", "xmlrpc"} {
		all := requests(t, serializer)
		arrived := make(chan Event, len(all))
		e, address := serve(t, Settings{}, func(_ context.Context, e Event) { arrived <- e }, unseen, io.Discard)
		want := make(map[string]int)
		for name, raw := range all {
			typ, _, _ := strings.Cut(name, "-")
			want[typ]++
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := c.Write(raw); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(c); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
				t.Errorf("%s in %s: %q, %v", name, serializer, answer, err)
			}
			c.Close()
		}
		got := make(map[string]int)
		for range all {
			got[string((<-arrived).Type)]++
		}
		if f := e.Figures(); !reflect.DeepEqual(got, want) || f.Broken > 0 || f.Refused > 0 {
			t.Errorf("%s: %v, want %v; %+v", serializer, got, want, f)
		}
	}
}

// A call in other writings than the recorded one.
func TestWritingsOfXMLRPC(t *testing.T) {
	const member = `<member><name>%s</name><value>%s</value></member>`
	const stream = `<struct><member><name>uniqueId</name><value><i4>9</i4></value></member>` +
		`<member><name>name</name><value><string>cam</string></value></member>` +
		`<member><name>type</name><value><string>INR</string></value></member></struct>`
	value := func(s string) string { return "<param><value>" + s + "</value></param>" }
	for name, c := range map[string]struct{ method, params string }{
		"i4 and i8": {"inStreamCreated", value("<i4>42</i4>") + value(stream) + value("<i8>7</i8>") +
			value("<i8>3</i8>") + value("<string>inStreamCreated</string>")},
		"no type in the value":  {"inStreamCreated", value("<int>42</int>") + value(stream) + value("<int>7</int>") + value("<int>3</int>") + value("inStreamCreated")},
		"without the last":      {"inStreamCreated", value("<int>42</int>") + value(stream) + value("<int>7</int>") + value("<int>3</int>")},
		"with one more":         {"inStreamCreated", value("<int>42</int>") + value(stream) + value("<int>7</int>") + value("<int>3</int>") + value("inStreamCreated") + value("<nil/>")},
		"without the method":    {"", value("<int>42</int>") + value(stream) + value("<int>7</int>") + value("<int>3</int>") + value("inStreamCreated")},
		"the documented event":  {"inStreamCreated", value("<struct>" + fmt.Sprintf(member, "id", "<int>42</int>") + fmt.Sprintf(member, "payload", stream) + fmt.Sprintf(member, "processId", "<int>7</int>") + fmt.Sprintf(member, "timestamp", "<int>3</int>") + "</struct>")},
		"the documented type":   {"", value("<struct>" + fmt.Sprintf(member, "type", "inStreamCreated") + fmt.Sprintf(member, "id", "<int>42</int>") + fmt.Sprintf(member, "payload", stream) + fmt.Sprintf(member, "processId", "<int>7</int>") + fmt.Sprintf(member, "timestamp", "<int>3</int>") + "</struct>")},
		"blanks around a value": {"\n inStreamCreated\n", value("\n <int> 42\n</int> ") + value("\n "+stream+" ") + value("\n<int>7</int>") + value(" <int>3</int>") + value(" <string>inStreamCreated</string> ")},
	} {
		e, err := Decode("application/xml", []byte("<methodCall><methodName>"+c.method+"</methodName><params>"+c.params+"</params></methodCall>"))
		if err != nil || e.ID != 42 || e.ProcessID != 7 || e.Timestamp != 3 || e.Type != "inStreamCreated" ||
			e.StreamID != 9 || e.Name != "cam" || e.Stream.Type != "INR" {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for name, params := range map[string]string{
		"no parameters": "", "an id that is none": value("x") + value(stream), "no payload": value("<int>1</int>") + "<param/>",
	} {
		if e, err := Decode("", []byte("<methodCall><methodName>x</methodName><params>"+params+"</params></methodCall>")); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
