// R8: bounded. What waits has limits. What is remembered grows with the tree only.

package watcher

const (
	// maxLooks bounds the paths that wait for a look: at most 1 MB with paths of 250 bytes.
	maxLooks = 4096
	// batchSize bounds the notes that a notifier keeps while the tree is busy: some 100 kB. More
	// wait in the kernel, which reports when it drops them.
	batchSize = 512
	// decisions is how many files are decided on before events are read and offered again.
	decisions = 64
)
