// R8: bounded. What EMS names and what events name has limits.

package daemon

const (
	// maxFound bounds the roots of one section: each is watched until the daemon ends.
	maxFound = 100
	// maxGroups bounds the directories that EMS names for one section.
	maxGroups = 2000
	// maxHints bounds the files that wait to be looked at in one root. The next scan finds the
	// others.
	maxHints = 256
	// maxActions is how many actions of the plugins are remembered: some 200 kB at the most.
	maxActions = 200
	// eventsOfStream is how many events of a stream are told with it.
	eventsOfStream = 50
	// maxMemory bounds the note of the directories that EMS has named, in bytes.
	maxMemory = 16 << 20
)
