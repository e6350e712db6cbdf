package table

import "github.com/darterdb/darter/internal/slab"

// Slot leads to a cell and says what must be known of it without touching it. 0 is an empty slot.
//
//	bits 0-37   where the cell is, in units of 8 bytes
//	bits 38-41  kind: what the cell holds, given by the table's owner
//	bit  42     the cell has a time of expiry
//	bit  43     mark: given by the table's owner
//	bits 44-63  access: when or how often the key was used, for eviction and OBJECT
type Slot uint64

const (
	refBits     = 38
	refMask     = 1<<refBits - 1
	kindShift   = refBits
	kindMask    = 0xF << kindShift
	expiryBit   = 1 << 42
	markBit     = 1 << 43
	accessShift = 44

	// AccessBits is the width of a slot's access field.
	AccessBits = 20
)

func makeSlot(ref slab.Ref, kind uint8, expires, mark bool, access uint32) Slot {
	w := Slot(ref>>3) | Slot(kind)<<kindShift | Slot(access)<<accessShift
	if expires {
		w |= expiryBit
	}
	if mark {
		w |= markBit
	}
	return w
}

// Ref returns where the cell is.
func (w Slot) Ref() slab.Ref { return slab.Ref(w&refMask) << 3 }

// Kind returns what the cell holds.
func (w Slot) Kind() uint8 { return uint8(w & kindMask >> kindShift) }

// Expires says whether the cell has a time of expiry.
func (w Slot) Expires() bool { return w&expiryBit != 0 }

// Mark returns the owner's mark.
func (w Slot) Mark() bool { return w&markBit != 0 }

// Access returns the access field.
func (w Slot) Access() uint32 { return uint32(w >> accessShift) }

// WithKind returns the slot with another kind.
func (w Slot) WithKind(k uint8) Slot { return w&^kindMask | Slot(k)<<kindShift }

// WithAccess returns the slot with another access field.
func (w Slot) WithAccess(a uint32) Slot {
	return w&(1<<accessShift-1) | Slot(a)<<accessShift
}

// WithRef returns the slot leading elsewhere.
func (w Slot) WithRef(ref slab.Ref) Slot { return w&^refMask | Slot(ref>>3) }

// WithMark returns the slot with the mark set or not.
func (w Slot) WithMark(on bool) Slot {
	if on {
		return w | markBit
	}
	return w &^ markBit
}
