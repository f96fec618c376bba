// R8: bounded. What waits has limits. What is known has the size of the tree.

package watcher

const (
	// maxLooks bounds the paths that wait for a look: at most 1 MB with paths of 250 bytes.
	maxLooks = 4096
	// batchSize is how many notes a notifier keeps while the tree is busy: some 100 kB. More wait in
	// the kernel, which reports it when it drops them.
	batchSize = 512
	// decisions is how many files are looked at before events are read and offered again.
	decisions = 64
)
