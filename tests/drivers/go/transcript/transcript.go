// Package transcript is what the Go workloads share: copies that run at once, each of which writes
// what it saw to a file, a JSON object a line.
//
//	WORKLOAD URL FOLDER FIRST COUNT
package transcript

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Seen is one line of a transcript.
type Seen map[string]any

// Transcript is the file of one copy.
type Transcript struct {
	lines *json.Encoder
}

// Values of many types, the same in every driver.
const (
	Text    = "O'Hara \"quoted\" \\ back $1 ünïcödé 漢字 🐘"
	Numeric = "12345678901234567890.123456789"
	Big     = int64(9007199254740993)
	Moment  = "2024-02-29T12:34:56.789Z"
	JSON    = `{"k": [1, {"ü": null}], "q": "it's"}`
	Series  = "SELECT n, md5(n::text) FROM generate_series(1, 5000) AS n"
)

// Bytes holds what no text may.
var Bytes = []byte{0, 255, 39, 92, 10, 128}

// Say writes a line.
func (t *Transcript) Say(step string, seen Seen) {
	seen["step"] = step
	Must(t.lines.Encode(seen))
}

// Must ends this copy when something fails that must not.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Sum is a number for a long result in which every row's place counts.
func Sum(sum int64, place int, n int64, digest string) int64 {
	part, err := strconv.ParseInt(digest[:6], 16, 64)
	Must(err)
	return (sum*31 + int64(place)*n + part) % 1000000007
}

func play(driver, url, folder string, number int, work func(string, string, *Transcript)) (whole bool) {
	file, err := os.Create(filepath.Join(folder, strconv.Itoa(number)+".jsonl"))
	Must(err)
	defer file.Close()
	transcript := &Transcript{lines: json.NewEncoder(file)}
	transcript.lines.SetEscapeHTML(false)
	defer func() {
		if failure := recover(); failure != nil {
			transcript.Say("failed", Seen{"why": fmt.Sprint(failure)})
			fmt.Fprintln(os.Stderr, failure)
		}
	}()
	work(url, fmt.Sprintf("%s_c%d", driver, number), transcript)
	transcript.Say("end", Seen{})
	return true
}

// PlayCopies runs work for each copy and ends the program.
func PlayCopies(driver string, work func(url, schema string, transcript *Transcript)) {
	first, err := strconv.Atoi(os.Args[3])
	Must(err)
	count, err := strconv.Atoi(os.Args[4])
	Must(err)
	var running sync.WaitGroup
	failures := make(chan int, count)
	for number := first; number < first+count; number++ {
		running.Add(1)
		go func(number int) {
			defer running.Done()
			if !play(driver, os.Args[1], os.Args[2], number, work) {
				failures <- number
			}
		}(number)
	}
	running.Wait()
	if len(failures) > 0 {
		os.Exit(1)
	}
}
