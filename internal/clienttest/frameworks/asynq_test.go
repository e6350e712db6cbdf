package frameworks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/clienttest"
)

// diary is what workers have done: how often each task was tried, and when it was through.
type diary struct {
	mu    sync.Mutex
	tries map[string]int
	ended map[string]time.Time
}

func (d *diary) handle(_ context.Context, task *asynq.Task) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := string(task.Payload())
	d.tries[name]++
	switch {
	case strings.HasPrefix(name, "doomed"):
		return errors.New("never works")
	case strings.HasPrefix(name, "twice") && d.tries[name] < 2:
		return errors.New("once more")
	case !d.ended[name].IsZero():
		panic("done twice: " + name)
	}
	d.ended[name] = time.Now()
	return nil
}

func (d *diary) done() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ended)
}

// quiet swallows asynq's log.
type quiet struct{}

func (quiet) Debug(...any) {}
func (quiet) Info(...any)  {}
func (quiet) Warn(...any)  {}
func (quiet) Error(...any) {}
func (quiet) Fatal(...any) {}

func TestAsynq(t *testing.T) {
	broker := asynq.RedisClientOpt{Network: "unix", Addr: clienttest.Server(t)}
	d := &diary{tries: map[string]int{}, ended: map[string]time.Time{}}
	var groups sync.Map
	workers := asynq.NewServer(broker, asynq.Config{
		Concurrency:              8,
		Queues:                   map[string]int{"critical": 3, "default": 2, "low": 1},
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return time.Millisecond },
		DelayedTaskCheckInterval: 20 * time.Millisecond,
		TaskCheckInterval:        5 * time.Millisecond,
		GroupGracePeriod:         time.Second,
		GroupMaxSize:             5,
		GroupAggregator: asynq.GroupAggregatorFunc(func(group string, tasks []*asynq.Task) *asynq.Task {
			groups.Store(group, len(tasks))
			return asynq.NewTask("work", []byte("group "+group))
		}),
		Logger: quiet{},
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc("work", d.handle)
	require.NoError(t, workers.Start(mux))
	defer workers.Shutdown()

	client := asynq.NewClient(broker)
	defer client.Close()
	ctx := t.Context()
	want := 0
	enqueue := func(name string, o ...asynq.Option) (*asynq.TaskInfo, error) {
		return client.EnqueueContext(ctx, asynq.NewTask("work", []byte(name)), o...)
	}
	for i := range 200 {
		queue := asynq.Queue([]string{"critical", "default", "low"}[i%3])
		name := fmt.Sprint("once", i)
		if i%5 == 0 {
			name = fmt.Sprint("twice", i)
		}
		_, err := enqueue(name, queue, asynq.MaxRetry(3), asynq.Retention(time.Hour))
		require.NoError(t, err)
		want++
	}
	due := time.Now().Add(100 * time.Millisecond)
	for i := range 20 {
		_, err := enqueue(fmt.Sprint("later", i), asynq.ProcessAt(due))
		require.NoError(t, err)
		want++
	}
	for i := range 5 {
		_, err := enqueue(fmt.Sprint("doomed", i), asynq.MaxRetry(2), asynq.Queue("low"))
		require.NoError(t, err)
	}
	_, err := enqueue("only one", asynq.Unique(time.Hour), asynq.ProcessIn(time.Hour))
	require.NoError(t, err)
	_, err = enqueue("only one", asynq.Unique(time.Hour), asynq.ProcessIn(time.Hour))
	require.ErrorIs(t, err, asynq.ErrDuplicateTask)
	_, err = enqueue("by id", asynq.TaskID("id"), asynq.ProcessIn(time.Hour))
	require.NoError(t, err)
	_, err = enqueue("by id", asynq.TaskID("id"))
	require.ErrorIs(t, err, asynq.ErrTaskIDConflict)
	for i := range 5 {
		_, err := enqueue(fmt.Sprint("member", i), asynq.Group("five"))
		require.NoError(t, err)
	}
	want++ // the group as one

	inspector := asynq.NewInspector(broker)
	defer inspector.Close()
	require.Eventually(t, func() bool {
		info, err := inspector.GetQueueInfo("low")
		return err == nil && info.Archived == 5 && d.done() == want
	}, time.Minute, 5*time.Millisecond, "%d of %d tasks are done", d.done(), want)
	size, ok := groups.Load("five")
	require.True(t, ok)
	require.Equal(t, 5, size)
	d.mu.Lock()
	for name, n := range d.tries {
		switch {
		case strings.HasPrefix(name, "twice"):
			require.Equal(t, 2, n, name)
		case strings.HasPrefix(name, "doomed"):
			require.Equal(t, 3, n, name)
		default:
			require.Equal(t, 1, n, name)
		}
		if strings.HasPrefix(name, "later") {
			require.False(t, d.ended[name].Before(due.Truncate(time.Second)), "asynq counts seconds")
		}
	}
	d.mu.Unlock()

	// What the framework keeps of it agrees.
	require.Eventually(t, func() bool {
		kept := 0
		for _, queue := range []string{"critical", "default", "low"} {
			info, err := inspector.GetQueueInfo(queue)
			require.NoError(t, err)
			if info.Pending+info.Active+info.Retry != 0 {
				return false
			}
			kept += info.Completed
		}
		return kept == 200
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, inspector.DeleteTask("default", "id"))
	n, err := inspector.RunAllArchivedTasks("low")
	require.NoError(t, err)
	require.Equal(t, 5, n)
	require.NoError(t, inspector.PauseQueue("low"))
	require.NoError(t, inspector.UnpauseQueue("low"))
	servers, err := inspector.Servers()
	require.NoError(t, err)
	require.Len(t, servers, 1)
}

// Two servers share a queue: each task is done by one of them.
func TestAsynqServersShare(t *testing.T) {
	broker := asynq.RedisClientOpt{Network: "unix", Addr: clienttest.Server(t)}
	d := &diary{tries: map[string]int{}, ended: map[string]time.Time{}}
	for range 2 {
		s := asynq.NewServer(broker, asynq.Config{Concurrency: 4, TaskCheckInterval: 2 * time.Millisecond, Logger: quiet{}})
		require.NoError(t, s.Start(asynq.HandlerFunc(d.handle)))
		defer s.Shutdown()
	}
	client := asynq.NewClient(broker)
	defer client.Close()
	const tasks = 300
	var all sync.WaitGroup
	for p := range 3 {
		all.Go(func() {
			for i := p; i < tasks; i += 3 {
				if _, err := client.Enqueue(asynq.NewTask("work", []byte(fmt.Sprint("task", i)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return d.done() == tasks }, time.Minute, 5*time.Millisecond)
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, n := range d.tries {
		require.Equal(t, 1, n, name)
	}
}
