package emsapi

import (
	"context"
	"fmt"
	"strconv"

	"ems-sidecar/media"
)

// An OutputRequest asks for live output to files. The server runs mkdir in a shell with the folder
// and the group in it: both must be of letters, digits and "_.-/" only, which is for the caller to
// see to.
type OutputRequest struct {
	LocalStreamName string
	TargetFolder    string // the root, in which the server makes the group's folder
	GroupName       string
	PlaylistType    string // "rolling" or "appending"; empty: as the server likes, as with the next two
	PlaylistLength  int
	ChunkLength     int // seconds
	KeepAlive       bool
}

// CreateOutput orders output in a format, and returns the ids of the orders.
func (c *Client) CreateOutput(ctx context.Context, f media.Format, r OutputRequest) ([]uint32, error) {
	command := media.EMS.Traits(f).API.Create
	if command == "" {
		return nil, fmt.Errorf("EMS has no command for output in the format %s", f)
	}
	params := []Param{
		{"localStreamNames", r.LocalStreamName}, {"targetFolder", r.TargetFolder}, {"groupName", r.GroupName},
		{"keepAlive", flag(r.KeepAlive)},
	}
	if r.PlaylistType != "" {
		params = append(params, Param{"playlistType", r.PlaylistType})
	}
	if r.PlaylistLength > 0 {
		params = append(params, Param{"playlistLength", strconv.Itoa(r.PlaylistLength)})
	}
	if r.ChunkLength > 0 {
		params = append(params, Param{"chunkLength", strconv.Itoa(r.ChunkLength)})
	}
	var made struct{ ConfigIDs []uint32 }
	err := c.Call(ctx, command, params, &made)
	return made.ConfigIDs, err
}
