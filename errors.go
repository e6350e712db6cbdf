package darter

import (
	"errors"

	"github.com/darterdb/darter/internal/errs"
)

// Errors whose texts are the Redis error replies for the same mistake.
const (
	// ErrWrongType says that the key holds another kind of value than the method works on.
	ErrWrongType = errs.WrongType
	// ErrNotInteger says that a value that should be counted up is no 64-bit integer.
	ErrNotInteger = errs.NotInteger
	// ErrNotFloat says that a value that should be counted up is no float.
	ErrNotFloat = errs.NotFloat
	// ErrOverflow says that a sum would not fit into 64 bits.
	ErrOverflow = errs.Overflow
	// ErrNaN says that a sum of floats would be infinite or no number.
	ErrNaN = errs.NaN
	// ErrTooLong says that a value would be larger than the largest allowed, 512 MB by default.
	ErrTooLong = errs.TooLong
	// ErrNoSuchKey says that the key which a method needs is absent.
	ErrNoSuchKey = errs.NoSuchKey
	// ErrOutOfMemory says that Options.MaxMemory is used up.
	ErrOutOfMemory = errs.OutOfMemory
	// ErrInternal says that a command failed in a way that is a defect of this package. The panic behind it was
	// contained, counted in Stats and logged.
	ErrInternal = errs.Error("ERR internal error")
)

// Errors of the Go API alone.
var (
	// ErrNotFound says that there is no such key.
	ErrNotFound = errors.New("darter: key not found")
	// ErrClosed says that the cache or snapshot was closed.
	ErrClosed = errs.Closed
	// ErrExists says that the key is there already, where it must not be.
	ErrExists = errors.New("darter: key exists")
)
