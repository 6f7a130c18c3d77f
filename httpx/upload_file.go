package httpx

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"syscall"

	"github.com/valyala/fasthttp"

	"github.com/troupebase/troupe/storage/budget"
)

const (
	// maxUploadMemory is how many bytes of the files of one request are kept in memory; what comes after them goes to a file.
	maxUploadMemory = 64 << 10
	// maxUploadBytes is how many bytes of uploads under way are on the disk in all: there is room for the largest of several clients.
	maxUploadBytes = 16 << 30
	// uploadPercent is how much of it one client may have.
	uploadPercent = 50
	// uploadStep is in what steps it is charged.
	uploadStep = 1 << 20
)

// uploadFile is the temporary file of one request: all its uploads are in it, one behind the other. It has no name where the system allows
// that, so it is gone with the process at the latest.
type uploadFile struct {
	server  *Server
	client  string
	file    *os.File
	named   bool
	size    int64
	charged int64
}

// newUploadFile makes the file. It counts as one of the client's connections.
func (s *Server) newUploadFile(client string) (*uploadFile, error) {
	if !s.places.open(client) {
		return nil, &Error{Status: fasthttp.StatusServiceUnavailable, Message: "Too many uploads at once, try again later.", RetryAfter: roomWait}
	}
	f, err := s.createUploadFile()
	if err != nil {
		s.places.close(client)
		return nil, uploadFailed(err)
	}
	return &uploadFile{server: s, client: client, file: f, named: os.Remove(f.Name()) != nil}, nil
}

func (s *Server) createUploadFile() (*os.File, error) {
	if dir := s.opts.UploadDir; dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	return os.CreateTemp(s.opts.UploadDir, "upload-*")
}

// Write implements io.Writer: it adds to the end.
func (s *uploadFile) Write(p []byte) (int, error) {
	for s.size+int64(len(p)) > s.charged {
		if err := s.server.uploads.Take(s.client, uploadStep); err != nil {
			return 0, &Error{Status: fasthttp.StatusServiceUnavailable, Message: "Too many uploads at once, try again later.", RetryAfter: roomWait, Cause: err}
		}
		s.charged += uploadStep
	}
	n, err := s.file.WriteAt(p, s.size)
	s.size += int64(n)
	if err != nil {
		return n, uploadFailed(err)
	}
	return n, nil
}

// uploadFailed is the answer where an upload could not be kept. It is the server's disk that is at fault, not the body.
func uploadFailed(err error) error {
	failed := NewError(fasthttp.StatusInternalServerError, "")
	if errors.Is(err, syscall.ENOSPC) {
		failed = NewError(fasthttp.StatusInsufficientStorage, "The server's disk is full, nothing was written.")
	}
	return failed.Because(fmt.Errorf("keep an upload: %w", err))
}

// remove gives the file and all it was charged back.
func (s *uploadFile) remove() {
	// It was a temporary file: what is left of one is seen to by whoever cleans the directory up.
	_ = s.file.Close()
	if s.named {
		_ = os.Remove(s.file.Name())
	}
	s.server.uploads.Give(s.client, s.charged)
	s.server.places.close(s.client)
}

// newUploadShare returns the bound of what is on the disk.
func newUploadShare() *budget.Share {
	return budget.New(maxUploadBytes).Share("uploads", 100, uploadPercent)
}

// opened is an upload that is being read.
type opened struct{ *io.SectionReader }

// Close implements io.Closer. The bytes are the request's.
func (opened) Close() error { return nil }

var _ multipart.File = opened{}
