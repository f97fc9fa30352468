package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what the processes of a group have cost.
type usage struct {
	time   time.Duration
	memory int64 // resident, bytes
}

// usageOf adds up the processes of a group. One that ends meanwhile is not counted.
func usageOf(group int) (u usage) {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		if of, err := syscall.Getpgid(pid); err != nil || of != group {
			continue
		}
		var ts unix.Timespec
		if unix.ClockGettime(processClock(pid), &ts) == nil {
			u.time += time.Duration(ts.Nano())
		}
		u.memory += residentMemory(pid)
	}
	return u
}

// processClock is the clock of a process's own processor time, exact to the nanosecond where the ticks in
// /proc are not (MAKE_PROCESS_CPUCLOCK in linux/posix-timers.h).
func processClock(pid int) int32 {
	const scheduled = 2 // CPUCLOCK_SCHED
	return int32(^pid<<3 | scheduled)
}

func residentMemory(pid int) int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// quantile returns the bound of the first bucket of a histogram that holds that share of it.
func quantile(metrics, name string, share float64) (float64, error) {
	var bounds []float64
	var counts []float64
	lines := bufio.NewScanner(strings.NewReader(metrics))
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name+`_bucket{le="`)
		if !ok {
			continue
		}
		text, value, ok := strings.Cut(rest, `"} `)
		bound, err := strconv.ParseFloat(text, 64)
		count, err2 := strconv.ParseFloat(value, 64)
		if !ok || err != nil || err2 != nil {
			return 0, fmt.Errorf("read %q", lines.Text())
		}
		bounds, counts = append(bounds, bound), append(counts, count)
	}
	if len(counts) == 0 {
		return 0, fmt.Errorf("the agent has no %s", name)
	}
	for i, count := range counts {
		if count >= share*counts[len(counts)-1] {
			return bounds[i], nil
		}
	}
	return math.Inf(1), nil
}
