package spool

import (
	"cmp"
	"container/heap"
	"slices"
	"sync"
	"time"
)

// A Budget bounds what spools keep: for each file system the bytes of files that only spools have,
// and the number of files that are held open. Spools on one file system share it: the oldest file
// of all of them is given up first.
type Budget struct {
	max     int64 // for each file system; 0 is the default
	maxHeld int   // for each spool; 0: computed from the number of spools

	mu     sync.Mutex // guards what follows
	spools int
	on     map[uint64]*account
}

// An account is the part of a budget for one file system.
type account struct {
	dir        string // the first root on it
	most, used int64
	claims     claims
}

// A claim is what one file takes of a budget.
type claim struct {
	owner *Spool
	path  string
	bytes int64
	since time.Time // when the file was written

	account *account // guarded by the budget's mu, as is the next
	at      int      // index in the account's claims; -1 if it is no longer there
}

// claims are a heap with the oldest first.
type claims []*claim

func (c claims) Len() int           { return len(c) }
func (c claims) Less(i, j int) bool { return c[i].since.Before(c[j].since) }
func (c claims) Swap(i, j int)      { c[i], c[j] = c[j], c[i]; c[i].at, c[j].at = i, j }
func (c *claims) Push(x any)        { x.(*claim).at = len(*c); *c = append(*c, x.(*claim)) }
func (c *claims) Pop() any {
	last := len(*c) - 1
	x := (*c)[last]
	(*c)[last] = nil
	*c = (*c)[:last]
	x.at = -1
	return x
}

// NewBudget returns a budget of most bytes for each file system, or the default if that is 0, for
// so many spools.
func NewBudget(most int64, spools int) *Budget {
	return &Budget{max: most, spools: spools, on: map[uint64]*account{}}
}

// Join counts one more spool.
func (b *Budget) Join() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spools++
}

// mostHeld is how many files a spool may hold open.
func (b *Budget) mostHeld() int {
	if b.maxHeld != 0 {
		return b.maxHeld
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(leastHeld, openFiles()/2/max(1, b.spools))
}

// use sets the limit of the file system of dir, by its size.
func (b *Budget) use(dir string) {
	device, size := fileSystem(dir)
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.account(device)
	a.most = b.limit(size)
	if a.dir == "" {
		a.dir = dir
	}
}

func (b *Budget) limit(size int64) int64 {
	if b.max != 0 {
		return b.max
	}
	if size > 0 {
		return min(DefaultMax, size/10)
	}
	return DefaultMax
}

func (b *Budget) account(device uint64) *account {
	a := b.on[device]
	if a == nil {
		a = &account{most: b.limit(0)}
		b.on[device] = a
	}
	return a
}

// count counts c. If that exceeds the limit, the oldest files count no longer, and their owners are
// told to give them up. It does not wait for them.
func (b *Budget) count(device uint64, c *claim) {
	for _, old := range b.admit(device, c) {
		old.owner.tell(note{kind: noteEvict, path: old.path, claim: old})
	}
}

func (b *Budget) admit(device uint64, c *claim) (givenUp []*claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.account(device)
	c.account = a
	a.used += c.bytes
	heap.Push(&a.claims, c)
	for a.used > a.most && len(a.claims) > 0 {
		oldest := heap.Pop(&a.claims).(*claim)
		a.used -= oldest.bytes
		givenUp = append(givenUp, oldest)
	}
	return givenUp
}

// drop stops counting c.
func (b *Budget) drop(c *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.at >= 0 {
		c.account.used -= c.bytes
		heap.Remove(&c.account.claims, c.at)
	}
}

// Used returns how many bytes only the spools have.
func (b *Budget) Used() (bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.on {
		bytes += a.used
	}
	return bytes
}

// A Usage is what only the spools have on one file system.
type Usage struct {
	Dir   string // a watched directory on it
	Bytes int64
	Limit int64 // of Bytes
}

// Usage returns what only the spools have on each file system with a root, by directory.
func (b *Budget) Usage() (all []Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.on {
		if a.dir != "" {
			all = append(all, Usage{a.dir, a.used, a.most})
		}
	}
	slices.SortFunc(all, func(a, b Usage) int { return cmp.Compare(a.Dir, b.Dir) })
	return all
}
