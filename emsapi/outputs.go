package emsapi

import (
	"context"
	"strconv"
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

// CreateHLSStream orders HLS output. As those below, it returns the ids of the orders.
func (c *Client) CreateHLSStream(ctx context.Context, r OutputRequest) ([]uint32, error) {
	return c.create(ctx, "createHLSStream", r)
}

// CreateHDSStream orders HDS output.
func (c *Client) CreateHDSStream(ctx context.Context, r OutputRequest) ([]uint32, error) {
	return c.create(ctx, "createHDSStream", r)
}

// CreateDASHStream orders DASH output.
func (c *Client) CreateDASHStream(ctx context.Context, r OutputRequest) ([]uint32, error) {
	return c.create(ctx, "createDASHStream", r)
}

// CreateMSSStream orders MSS output.
func (c *Client) CreateMSSStream(ctx context.Context, r OutputRequest) ([]uint32, error) {
	return c.create(ctx, "createMSSStream", r)
}

func (c *Client) create(ctx context.Context, command string, r OutputRequest) ([]uint32, error) {
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
