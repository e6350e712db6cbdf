package watchdog

import "time"

// Stopwatch times commands that one goroutine runs one after another, in batches. Between two commands it needs one look
// at the clock, and none between brief ones:
//
//	Start   cmd   Lap   cmd   Lap   brief brief ...  Settle   cmd   Lap   brief brief ...  Pause
//	  |------------|-----------|------------------------|------------|-----------------------|
//
// Batches that follow each other at once need none between them either. Where something else comes between, Pause says
// so.
type Stopwatch struct {
	dog  *Dog
	mode Mode
	each bool          // all commands are timed, brief or not
	runs bool          // at is the end of what came before
	load int           // of the brief commands since at, in about the work of one
	at   time.Duration // by Now
}

const (
	// mostLoad is how many brief commands are timed together at the most.
	mostLoad = 64
	// loadBytes is how many bytes of a reply count as another command.
	loadBytes = 4 << 10
)

// Start begins a batch.
func (w *Stopwatch) Start(d *Dog) {
	w.dog, w.mode = d, d.Mode()
	w.each = w.mode == Exact
	if w.mode == Off {
		w.runs = false
	} else if !w.runs {
		w.restart()
	}
}

// StartWithin begins a batch within a command that is timed itself: nothing is measured but what may take long.
func (w *Stopwatch) StartWithin(d *Dog) {
	w.dog, w.mode = d, d.Mode()
	w.each, w.runs, w.load = w.mode == Exact, false, 0
	if w.each {
		w.restart()
	}
}

func (w *Stopwatch) restart() { w.at, w.runs, w.load = Now(), true, 0 }

// Pass counts a brief command with its reply, and says that it need not be timed by itself.
func (w *Stopwatch) Pass(reply int) bool {
	if w.each {
		return false
	}
	if w.load += 1 + reply/loadBytes; w.load >= mostLoad {
		w.Settle()
	}
	return true
}

// Settle ends the measure of the brief commands before, so that what comes is measured alone.
func (w *Stopwatch) Settle() {
	switch {
	case w.mode == Off:
		w.load = 0
	case !w.runs:
		w.restart()
	case w.load > 0:
		if took := w.Lap(); w.dog.Wants(took) {
			w.dog.NoteEvent(EventFast, took)
		}
	}
}

// Lap returns how long it took since the last command was timed, 0 if nothing is measured.
func (w *Stopwatch) Lap() time.Duration {
	measured := w.mode != Off
	w.mode = w.dog.Mode() // the command may have been the one that changes it
	w.load, w.each = 0, w.mode == Exact
	if !measured && w.mode == Off {
		return 0
	}
	before := w.at
	w.restart()
	if !measured {
		return 0
	}
	return w.at - before
}

// Pause says that something else comes before the next batch.
func (w *Stopwatch) Pause() {
	if w.load > 0 {
		w.Settle()
	}
	w.runs = false
}
