package publish

// Progress is how far a Schedule has come with what it was told of.
type Progress struct {
	Files     int // chunks that are to be in the bucket
	There     int // of them, those that are
	Manifests int // manifests that are to be in the bucket
	Published int // of them, those whose newest version is
	Lost      int64
	Refused   bool // the bucket, or each stream that wanted something, was refused
	Idle      bool // nothing is left to do, and nothing is waited for
}

// Progress returns the current progress.
func (s *Schedule) Progress() Progress {
	p := Progress{Lost: s.figures.lost, Idle: !s.Busy() && !s.readsAgainSoon()}
	for _, src := range s.sources {
		l := s.lane(src.dest)
		p.Refused = p.Refused || l.state == bucketRefuses || l.state == streamsRefused
		for _, f := range src.files {
			if f.manifest != nil {
				p.addManifest(f.manifest)
			} else {
				p.addChunk(f)
			}
			// What EMS will change once more is not there yet.
			p.Idle = p.Idle && (f.work.state == idle || f.work.task == Discard || f.work.pause.isForPatch())
		}
	}
	return p
}

func (p *Progress) addManifest(m *manifest) {
	switch {
	case m.newest() == nil: // only another one names it
	case len(m.waiting) == 0:
		p.Manifests++
		p.Published++
	default:
		p.Manifests++
		p.Idle = false
	}
}

func (p *Progress) addChunk(f *file) {
	switch {
	case f.bucket.isConfirmed():
		p.Files++
		p.There++
	case f.work.pause.isForPatch():
	case f.disk.isWhole() && !f.bucket.isLost() || f.work.state == queued && f.work.task != Look:
		p.Files++
	}
}
