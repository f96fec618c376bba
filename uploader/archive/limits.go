// R8: bounded. An hour is in memory, with some 220 bytes for each segment. What came before is in the
// bucket.

package archive

import "time"

const (
	// maxSegments bounds a playlist of an hour: two each second. What is more begins another one.
	maxSegments = 7200
	// maxText bounds its text, in bytes. Names and tags are as long as the server likes.
	maxText = 4 << 20
	// maxFull bounds the playlists of full hours that wait for their last PUT.
	maxFull = 24
	// maxHeld bounds the segments that wait until it is known what the bucket has.
	maxHeld = 7200
	// MaxWhole bounds the segments of a whole broadcast: a day of segments of 2 s. It is the limit of
	// what players are given anywhere, too.
	MaxWhole = 45_000
)

const (
	// PutEvery is how often the playlist of a growing hour is put at most.
	PutEvery = time.Minute
	// Idle is when a playlist of a growing hour is put at any cost: nothing was added for so long.
	Idle = 2 * time.Minute
	// creditShare is which part of the bytes of chunks the playlists of growing hours may have. What
	// is put at the end of an hour and of the broadcast takes the rest of one percent.
	creditShare = 200
	// drift is how much the times of a playlist may be off before the time is stated again.
	drift = time.Second
	// setback is how much earlier a time may be than it was. A clock that goes back further is not
	// followed.
	setback = time.Minute
	// Patience is how long an archive waits for chunks that passed: their upload may be under way.
	Patience = 2 * time.Minute
	// Away is how long a stream may be away in one broadcast.
	Away = time.Hour
)
