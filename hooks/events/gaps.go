package events

// The server numbers events for all of its sinks together: where another sink has other
// enabledEvents, ids are missing here all the time that were never meant for this one. A gap is a
// loss only where the numbers have no others near it.
const (
	gapless    = 20   // ids without a gap before the first loss of a run
	confirming = 40   // ids without a gap after each loss
	forgetting = 1000 // ids without a gap before the next loss
)

// gaps tells which of a run's missing ids are losses.
type gaps struct {
	without uint64 // ids that passed since the last gap
	before  bool   // there was one
	pending uint64 // ids of the last gap, while it is not known what it is
	skips   bool   // the server does not send every id here
}

// pass counts an id that comes after so many that are missing.
func (g *gaps) pass(p *passed, missing uint64) {
	if missing == 0 {
		if g.without++; g.without == confirming {
			p.lost += g.pending
			g.pending = 0
		}
		return
	}
	exceptional := g.without >= forgetting || !g.before && g.without >= gapless
	g.without, g.before, g.pending = 1, true, 0
	if exceptional {
		g.pending = missing
	} else if !g.skips {
		g.skips, p.skips = true, true
	}
}

// late counts an id that comes after all, when it was not waited for any more.
func (g *gaps) late() {
	if g.pending > 0 {
		g.pending--
	}
}
