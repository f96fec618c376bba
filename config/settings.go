package config

import "time"

// settings is a whole file before it is known which sections are enabled.
type settings struct {
	switches switches
	defaults Upload   // [S3]
	uploads  []Upload // the sections that publish, in the file's order

	watcher Watcher
	pool    Pool
	ems     EMS
	hooks   Hooks
	admin   Admin
	log     Log

	security security

	router   Router
	recorder Recorder
	balancer Balancer
	resetter Resetter
}

// newSettings returns the defaults of a file with these sections that publish.
func newSettings(publishing []sectionName) *settings {
	s := &settings{
		switches: newSwitches(),
		defaults: Upload{
			Bootstrap: "bootstrap", Writer: AutoWriter, Backlog: UploadBacklog, Access: Access{SignPayload: SignAuto},
			ReconnectWindow: time.Minute, WhenStale: EndStale, AbsentVariants: KeepAbsent,
			Retention: Retention{Delete: Keep, DeleteDelay: 60 * time.Second, DeleteLocalAfter: time.Hour},
		},
		watcher: Watcher{Backend: "auto", Settle: 30 * time.Millisecond, PollInterval: time.Second},
		pool: Pool{
			Workers: 128, BulkWorkers: 2,
			PartSize: 8 << 20, MinThroughput: 64 << 10,
			DrainTimeout: 20 * time.Second,
		},
		ems: EMS{
			APIURL:  "http://127.0.0.1:7777",
			Timeout: 5 * time.Second, ReconcileInterval: 30 * time.Second,
		},
		hooks:    Hooks{Listen: "127.0.0.1:4000", Path: "/evowebservices/", MaxBody: 1 << 20},
		admin:    Admin{Listen: "127.0.0.1:4001", StreamLabel: true},
		log:      Log{Format: "text"},
		recorder: Recorder{Type: "mp4"},
	}
	s.uploads = make([]Upload, len(publishing))
	s.inherit(publishing)
	return s
}
