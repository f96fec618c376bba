package spool

import "sync"

// DefaultMax is the budget of a file system, in bytes, if nothing else is said: so much, or a tenth of it.
const DefaultMax = 10 << 30

// A Budget bounds what spools keep: the bytes of files that nobody else has any more, for each file system, and how many
// files are held open.
type Budget struct {
	max     int64 // for each file system; 0 is the default
	maxHeld int   // for each spool

	mu   sync.Mutex // guards what follows
	of   map[uint64]int64
	used map[uint64]int64
}

// NewBudget returns a budget of so many bytes for each file system, and for so many spools.
func NewBudget(most int64, spools int) *Budget {
	return &Budget{max: most, maxHeld: max(16, openFiles()/2/max(1, spools)), of: map[uint64]int64{}, used: map[uint64]int64{}}
}

// use returns the device of the file system of dir, which is counted from now on.
func (b *Budget) use(dir string) uint64 {
	device, size := fileSystem(dir)
	most := b.max
	if most == 0 {
		most = DefaultMax
		if size > 0 {
			most = min(most, size/10)
		}
	}
	b.mu.Lock()
	b.of[device] = most
	b.mu.Unlock()
	return device
}

// add counts n more bytes, and reports whether they are too many now.
func (b *Budget) add(device uint64, n int64) (over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[device] += n
	return b.used[device] > b.of[device]
}

// Used returns how many bytes are kept that nobody else has.
func (b *Budget) Used() (bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.used {
		bytes += n
	}
	return bytes
}
