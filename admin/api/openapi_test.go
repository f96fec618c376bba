package api

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"ems-sidecar/config"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/paths"
	"ems-sidecar/uploader/health"
)

func loadDescription(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		t.Fatalf("openapi.yaml cannot be read: %v", err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("openapi.yaml is no OpenAPI description: %v", err)
	}
	return doc
}

// registered returns the patterns of the API that are registered in the source of this package.
func registered(t *testing.T) (patterns []string) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			text, isText := call.Args[0].(*ast.BasicLit)
			if ok && isText && (method.Sel.Name == "HandleFunc" || method.Sel.Name == "Handle") {
				if p, err := strconv.Unquote(text.Value); err == nil {
					patterns = append(patterns, p)
				}
			}
			return true
		})
	}
	if len(patterns) < 5 {
		t.Fatalf("only %q are found in the source", patterns)
	}
	return patterns
}

// Each route of the API is in openapi.yaml, and nothing else is.
func TestEachRouteIsDescribed(t *testing.T) {
	doc := loadDescription(t)
	described := make(map[string]bool)
	mux := http.NewServeMux()
	Register(mux, &fakeDaemon{history: history.New(time.Now)})
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
			r := httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), nil)
			if _, pattern := mux.Handler(r); strings.ReplaceAll(pattern, "...}", "}") != method+" "+path {
				t.Errorf("openapi.yaml has %s %s, and no such route is registered", method, path)
			}
		}
	}
	for _, pattern := range registered(t) {
		if route := strings.ReplaceAll(pattern, "...}", "}"); pattern != "/api/" && !described[route] {
			t.Errorf("the route %q is registered, and paths: of admin/api/openapi.yaml does not have it: describe it there", route)
		}
	}
}

// The real answers of all handlers, the errors too, are as openapi.yaml says.
func TestAnswersAreAsDescribed(t *testing.T) {
	doc := loadDescription(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
	lag := 0.187
	full := &fakeDaemon{history: history.New(time.Now), lags: []*float64{nil, &lag},
		streams: []Stream{{ID: "hls/live/a", Stream: "live/a", Format: "HLS", State: health.Failing, Why: "x", Chunk: &at, Edge: &at, Failure: "y",
			FailedAt: &at, LagHistory: []*float64{nil, &lag}}, {ID: "dash/b", Format: "DASH"}},
		chunks: []paths.Chunk{{Key: "a", Kind: "init", Sequence: 7, Closed: &at, Listed: &at, Put: &lag, ConfirmedBy: "upload",
			Failures: []paths.Failure{{Attempt: 1, At: at, Why: "no answer"}}}},
		directories: []Directory{{Directory: "/srv/ems"}, {Directory: "/srv/more", Ready: true,
			Unseen: []Unseen{{Directory: "/srv/more/g", Since: &at, Why: "permission denied"}}}},
		manifests: []Manifest{{Name: "p", Published: &at, Waiting: &at}},
		plugins: Plugins{Plugins: []string{"StreamRecorder"}, EMS: &EMS{API: "http://ems:7777", Since: &at, Error: "refused"},
			Actions: []Action{{At: at, Function: "record", Stream: "cam"}}},
	}
	full.history.Add(history.Event{Kind: "stream_live", Stream: "live/a", Format: "HLS", Lasted: time.Second})
	empty := &fakeDaemon{history: history.New(time.Now)}
	hangs := &fakeDaemon{history: history.New(time.Now), hangs: true}
	crowded := newFeed(empty)
	for range maxClients {
		crowded.clients <- struct{}{}
	}
	answered := make(map[string]bool)
	for _, c := range []struct {
		daemon *fakeDaemon
		path   string
		target string
		status int
		body   string // of a POST; empty: it is a GET
	}{
		{full, "/api/v1/streams", "", 200, ""}, {empty, "/api/v1/streams", "", 200, ""}, {hangs, "/api/v1/streams", "", 503, ""},
		{full, "/api/v1/streams/{id}", "/api/v1/streams/hls/live/a", 200, ""},
		{full, "/api/v1/streams/{id}", "/api/v1/streams/hls%2Flive%2Fa", 200, ""},
		{full, "/api/v1/streams/{id}", "/api/v1/streams/hls/b", 404, ""}, {hangs, "/api/v1/streams/{id}", "/api/v1/streams/hls/b", 503, ""},
		{full, "/api/v1/events", "", 200, ""}, {empty, "/api/v1/events", "/api/v1/events?since=0", 200, ""},
		{empty, "/api/v1/events", "/api/v1/events?since=x", 400, ""}, {empty, "/api/v1/changes", "/api/v1/changes?since=x", 400, ""},
		{full, "/api/v1/directories", "", 200, ""}, {empty, "/api/v1/directories", "", 200, ""},
		{full, "/api/v1/plugins", "", 200, ""}, {empty, "/api/v1/plugins", "", 200, ""},
		{full, "/api/v1/config", "", 200, ""}, {full, "/api/v1/version", "", 200, ""}, {full, "/api/v1/openapi.yaml", "", 200, ""},
		{full, "/api/v1/streams/{id}/end", "/api/v1/streams/hls%2Flive%2Fa/end", 200, "{}"},
		{full, "/api/v1/streams/{id}/end", "/api/v1/streams/hls%2Fb/end", 404, "{}"},
		{hangs, "/api/v1/streams/{id}/end", "/api/v1/streams/hls%2Fb/end", 503, "{}"},
		{full, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Flive%2Fa/clips", 201, `{"from": "-10m", "to": "-1m", "name": "goal"}`},
		{full, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Flive%2Fa/clips", 400, `{"form": "-10m"}`},
		{full, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Flive%2Fa/clips", 400, `{"from": "` + strings.Repeat("9", maxRequest) + `"}`},
		{full, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Fb/clips", 404, `{"from": "-10m"}`},
		{full, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Flive%2Fa/clips", 409, `{"from": "-10m", "name": "taken"}`},
		{full, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Flive%2Fa/clips", 502, `{"from": "-10m", "name": "unwritable"}`},
		{hangs, "/api/v1/streams/{id}/clips", "/api/v1/streams/hls%2Flive%2Fa/clips", 503, `{"from": "-10m"}`},
	} {
		if c.target == "" {
			c.target = c.path
		}
		mux := http.NewServeMux()
		Register(mux, c.daemon)
		w, method := httptest.NewRecorder(), http.MethodGet
		if c.body != "" {
			method = http.MethodPost
		}
		mux.ServeHTTP(w, httptest.NewRequest(method, c.target, strings.NewReader(c.body)))
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.target, w.Code, c.status, w.Body)
			continue
		}
		answered[fmt.Sprint(method, " ", c.path, " ", c.status)] = true
		checkAnswer(t, doc, method, c.path, c.target, w)
	}
	w := httptest.NewRecorder()
	crowded.serve(w, httptest.NewRequest("GET", "/api/v1/changes", nil))
	checkAnswer(t, doc, "GET", "/api/v1/changes", "/api/v1/changes, with too many clients", w)
	answered["GET /api/v1/changes 503"] = true
	answered["GET /api/v1/changes 200"] = true // it does not end: the tests of the changes read it

	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if !answered[method+" "+path+" "+status] {
					t.Errorf("openapi.yaml says that %s %s answers with %s, and this test has no such answer: add a request for it", method, path, status)
				}
			}
		}
	}
}

// checkAnswer compares an answer with what openapi.yaml says of its path.
func checkAnswer(t *testing.T, doc *openapi3.T, method, path, target string, w *httptest.ResponseRecorder) {
	t.Helper()
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		t.Errorf("paths: of openapi.yaml does not have %s %s", method, path)
		return
	}
	response := item.GetOperation(method).Responses.Status(w.Code)
	if response == nil {
		t.Errorf("%s: the status is %d, which openapi.yaml does not have for %s: %s", target, w.Code, path, w.Body)
		return
	}
	typ := w.Header().Get("Content-Type")
	content := response.Value.Content[typ]
	if content == nil {
		t.Errorf("%s: the content type is %q, which openapi.yaml does not have for %d", target, typ, w.Code)
		return
	}
	var answer any = w.Body.String()
	if typ == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("%s: %v", target, err)
			return
		}
	}
	if err := content.Schema.Value.VisitJSON(answer, openapi3.MultiErrors(), openapi3.EnableFormatValidation()); err != nil {
		t.Errorf("%s: the answer is not as openapi.yaml says: %v\n%s", target, err, w.Body)
	}
}

// Each field of an answer is described, and each that is described exists.
func TestEachFieldIsDescribed(t *testing.T) {
	doc := loadDescription(t)
	for name, of := range map[string]any{
		"Problem": Problem{}, "Streams": Streams{}, "Stream": Stream{}, "Detail": Detail{}, "Chunk": paths.Chunk{},
		"Failure": paths.Failure{}, "Manifest": Manifest{}, "Ended": Ended{}, "Event": history.Event{}, "Events": Events{}, "Changes": Changes{},
		"Plugins": Plugins{}, "EMS": EMS{}, "Action": Action{}, "Config": Config{}, "Setting": config.Setting{}, "Version": Version{},
		"Directories": Directories{}, "Directory": Directory{}, "Unseen": Unseen{},
		"Reloads": Reloads{}, "ClipRequest": ClipRequest{}, "Clip": Clip{},
	} {
		schema := doc.Components.Schemas[name]
		if schema == nil {
			t.Errorf("schemas: of openapi.yaml does not have %s", name)
			continue
		}
		described := propertiesOf(schema.Value)
		fields := fieldNames(reflect.TypeOf(of))
		for _, field := range fields {
			if !slices.Contains(described, field) {
				t.Errorf("%s has the field %q, and openapi.yaml does not describe it: add it to properties: of that schema", name, field)
			}
		}
		for _, property := range described {
			if !slices.Contains(fields, property) {
				t.Errorf("openapi.yaml describes %q of %s, which has no such field", property, name)
			}
		}
		delete(doc.Components.Schemas, name)
	}
	for name := range doc.Components.Schemas {
		t.Errorf("openapi.yaml has the schema %s: add its type to this test", name)
	}
}

func propertiesOf(s *openapi3.Schema) (names []string) {
	for _, part := range s.AllOf {
		names = append(names, propertiesOf(part.Value)...)
	}
	for name := range s.Properties {
		names = append(names, name)
	}
	return names
}

func fieldNames(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			names = append(names, fieldNames(f.Type)...)
		case f.IsExported() && name != "-":
			names = append(names, name)
		}
	}
	return names
}
