package wal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// File is what a log file holds, as [Read] found it.
type File struct {
	file    vfs.File
	Path    string
	Seq     uint64
	Prev    Position
	Records []Record
	// End is the offset after the last of Records, 0 if there is none.
	End int64
	// Torn is the number of bytes after End: the remains of a commit that was
	// never acknowledged, or of a damaged last one; the two look alike.
	Torn int64
	// Rest are the intact records among the torn bytes. Whoever wants them to
	// last writes them to another file.
	Rest []Record
	// doubt is the damage among the torn bytes, which a later file may tell to
	// be of what was acknowledged, and doubtEnd the end of Rest.
	doubt    []*DamageError
	doubtEnd int64
	// Void is the number of records that [Void] took away.
	Void int
	// Damage are the places where records, or the header, can not be read
	// though intact records follow.
	Damage []*DamageError
}

// Spans is the number of spans in f's records.
func (f *File) Spans() (n uint64) {
	for _, r := range f.Records {
		n += uint64(r.Spans)
	}
	return n
}

var recordMarker = []byte{marker & 0xff, marker >> 8 & 0xff, marker >> 16 & 0xff, marker >> 24}

// Read opens the file with the given sequence and finds its records; the
// caller closes it. Memory is bounded by the largest record, not by the file.
// Damage is no error: it is listed in the File, and intact records behind it
// are found. A file of another format version is one, ErrVersion.
func Read(fsys vfs.FS, dir string, seq uint64) (*File, error) {
	p := path(dir, seq)
	file, err := fsys.Open(p)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	f := &File{Path: p, Seq: seq, file: file}
	if err := f.parse(); err != nil {
		return nil, fmt.Errorf("read log %s: %w", p, errors.Join(err, file.Close()))
	}
	return f, nil
}

// Close closes the file; its records can not be read any more.
func (f *File) Close() error {
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}

func (f *File) parse() error {
	size, err := f.file.Size()
	if err != nil {
		return err
	}
	w := &window{file: f.file, size: size}
	header, err := w.at(0, headerSize)
	if err != nil {
		return err
	}
	got, prev, headerErr := parseHeader(header)
	switch {
	case errors.Is(headerErr, ErrVersion):
		return headerErr
	case headerErr == nil && got != f.Seq:
		headerErr = fmt.Errorf("the header names sequence %d", got)
	case headerErr == nil:
		f.Prev, f.End = prev, headerSize
	}
	commit, commits, err := f.parseRecords(w)
	if err != nil {
		return err
	}
	if headerErr != nil && len(f.Records) > 0 {
		f.Damage = slices.Insert(f.Damage, 0, &DamageError{Path: f.Path, Err: headerErr})
	}
	f.tear(commit, commits > 1)
	f.Torn = size - f.End
	return nil
}

// parseRecords finds the records behind the header. It returns the offset of
// the first record of the last commit, -1 if there is none, and how many
// commits begin.
func (f *File) parseRecords(w *window) (commit int64, commits int, err error) {
	commit = -1
	for at := int64(headerSize); at < w.size; {
		size, spans, err := w.frame(at, f.Seq)
		if err != nil {
			return 0, 0, err
		}
		if size == 0 {
			next, err := w.resync(at+1, f.Seq)
			if err != nil {
				return 0, 0, err
			}
			if next < 0 {
				break
			}
			f.Damage = append(f.Damage, &DamageError{Path: f.Path, Offset: at, Bytes: next - at, Err: errors.New("no intact record")})
			at = next
			continue
		}
		if spans&joined == 0 {
			commit = at
			commits++
		}
		f.Records = append(f.Records, Record{Offset: at, Spans: spans &^ joined, length: uint32(size - frameSize), file: f})
		at += int64(size)
		f.End = at
	}
	return commit, commits, nil
}

// tear sets apart the damage within the last commit, whose first record that
// is left is at the given offset: nothing of it may have been acknowledged.
// The header is of the first commit.
func (f *File) tear(commit int64, others bool) {
	i := slices.IndexFunc(f.Damage, func(d *DamageError) bool { return d.Offset > commit || d.Offset == 0 && !others })
	if i < 0 {
		return
	}
	f.doubt, f.Damage, f.doubtEnd = f.Damage[i:], f.Damage[:i], f.End
	f.End = f.doubt[0].Offset
	n := len(f.Records)
	for n > 0 && f.Records[n-1].Offset >= f.End {
		n--
	}
	f.Records, f.Rest = f.Records[:n:n], f.Records[n:]
}

// mend takes back what tear did, since what is before end was acknowledged.
func (f *File) mend(end int64) {
	if len(f.doubt) == 0 || end <= f.End {
		return
	}
	f.Records, f.Damage = append(f.Records, f.Rest...), append(f.Damage, f.doubt...)
	f.Torn -= f.doubtEnd - f.End
	f.End, f.Rest, f.doubt = f.doubtEnd, nil, nil
}

// Void drops from files, which are in ascending order of sequence, the
// records that were never acknowledged, as the headers of later files say.
func Void(files []*File) {
	for i, later := range files {
		if later.Prev == (Position{}) {
			continue
		}
		for _, f := range files[:i] {
			end := int64(0)
			switch {
			case f.Seq < later.Prev.Seq:
				continue
			case f.Seq == later.Prev.Seq:
				end = later.Prev.End
			}
			f.cut(end)
		}
	}
}

// cut drops the records at or beyond end; damage there says nothing either.
func (f *File) cut(end int64) {
	f.mend(end)
	f.Void += len(f.Rest)
	f.Rest = nil
	for n := len(f.Records); n > 0 && f.Records[n-1].Offset >= end; n-- {
		f.Records = f.Records[:n-1]
		f.Void++
	}
	kept := f.Damage[:0]
	for _, d := range f.Damage {
		if d.Offset < end {
			kept = append(kept, d)
		}
	}
	f.Damage = kept
	if f.End < end {
		// Acknowledged bytes at the end are missing: not a torn tail.
		f.Damage = append(f.Damage, &DamageError{Path: f.Path, Offset: f.End, Bytes: end - f.End, Err: errors.New("acknowledged records are missing")})
	}
	f.Torn += f.End - min(f.End, end)
	f.End = min(f.End, end)
}
