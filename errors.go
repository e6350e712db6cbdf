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
	// ErrNotFound says that there is no such key.
	ErrNotFound = errs.NoSuchKey
	// ErrSameKey says that a key was to be copied or moved to itself.
	ErrSameKey = errs.SameObject
	// ErrNoDatabase says that there is no logical database of that number.
	ErrNoDatabase = errs.DBIndex
	// ErrOutOfMemory says that Options.MaxMemory is used up, or what the system gives.
	ErrOutOfMemory = errs.OutOfMemory
	// ErrInternal says that a command failed in a way that is a defect of this package. The panic behind it was
	// contained, counted in Stats and logged.
	ErrInternal = errs.Error("ERR internal error")
)

// Errors of the Go API alone.
var (
	// ErrInvalid says that an argument makes no sense, or clashes with another. The error that wraps it says which.
	ErrInvalid = errors.New("darter: invalid argument")
	// ErrClosed says that the cache or snapshot was closed.
	ErrClosed = errs.Closed
	// ErrReadOnly says that a snapshot was to be changed.
	ErrReadOnly = errors.New("darter: a snapshot can't be changed")
)
