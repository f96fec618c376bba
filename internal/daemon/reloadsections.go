package daemon

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"ems-sidecar/config"
	"ems-sidecar/uploader/s3store"
)

// sections plans what changes in the sections that publish.
func (p *plan) sections() error {
	d := p.daemon
	all := d.sections.list()
	var errs []error
	for _, u := range p.now.Uploads {
		if err := d.takesOver(all, u); err != nil {
			errs = append(errs, err)
			continue
		}
		i := slices.IndexFunc(all, func(s *section) bool { return s.ID() == u.ID() })
		if i < 0 {
			errs = append(errs, p.newSection(u))
		} else {
			errs = append(errs, p.changeSection(all[i], u))
		}
	}
	for _, s := range all {
		off := !slices.ContainsFunc(p.now.Uploads, func(u config.Upload) bool { return u.ID() == s.ID() })
		if off && s.isOn() {
			p.add(func() { d.switchTo(s, nil) }, func() {})
		}
	}
	return errors.Join(errs...)
}

// takesOver refuses a directory that another section of the format has published since the start:
// the two would have one spool.
func (d *Daemon) takesOver(all []*section, u config.Upload) error {
	d.naming.Lock()
	defer d.naming.Unlock()
	for _, s := range all {
		if s.Format != u.Format || s.ID() == u.ID() {
			continue
		}
		for _, dir := range u.WatchDirs {
			if s.places[dir] != nil {
				return fmt.Errorf("[%s] watch_dir: [%s] has published %s since the start: restart the service",
					u.Section, s.name(), dir)
			}
		}
	}
	return nil
}

func (p *plan) newSection(u config.Upload) error {
	d := p.daemon
	s, err := d.newSection(p.ctx, u, p.now.Upload)
	if err != nil {
		return err
	}
	p.opened = append(p.opened, s.store.now.Store)
	p.add(func() {
		d.sections.add(s)
		d.switchTo(s, &u)
	}, s.store.Close)
	return nil
}

// changeSection plans what changes in a section that is on, or was on before.
func (p *plan) changeSection(s *section, u config.Upload) error {
	d := p.daemon
	if address := func(u config.Upload) []any {
		return []any{u.Bucket, u.Prefix, u.Endpoint, u.Bootstrap, u.Include, u.Delete, len(u.WatchDirs) == 0}
	}; !reflect.DeepEqual(address(u), address(s.Upload)) {
		return fmt.Errorf("[%s] was switched off, and is on again with another bucket, prefix, endpoint, bootstrap, "+
			"include or delete, or with watch_dir set or not: restart the service", u.Section)
	}
	for _, dir := range u.WatchDirs {
		if d.isLeaving(s, dir) {
			return fmt.Errorf("[%s] watch_dir: the file system of %s has not answered since it was removed: "+
				"restart the service", u.Section, dir)
		}
	}
	before, opened := s.now.Load(), storeOf(u, p.now.Upload)
	var store *s3store.Store
	if !reflect.DeepEqual(s.opened, opened) {
		var err error
		if store, err = openStore(p.ctx, u, p.now.Upload, d.log, d.trouble); err != nil {
			return fmt.Errorf("[%s]: %w", u.Section, err)
		}
		p.opened = append(p.opened, store)
	}
	p.add(func() {
		if store != nil {
			s.store.replace(store)
			s.opened = opened
		}
		if store != nil || before == nil || !reflect.DeepEqual(*before, u) {
			d.up.Change(s.dest, destination(u), u.CacheControlChunk, u.CacheControlManifest)
		}
		d.switchTo(s, &u)
	}, func() {
		if store != nil {
			store.Close()
		}
	})
	return nil
}

// storeOf returns all that a store is opened with.
func storeOf(u config.Upload, pool config.Pool) []any {
	return []any{u.Access, u.ACL, u.StorageClass, u.ServerSideEncryption, u.KMSKeyID, pool.Workers, pool.BulkWorkers,
		pool.PartSize, pool.MinThroughput}
}
