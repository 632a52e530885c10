// Go's net/http, with a transport that keeps connections and with one that does not.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

type request struct {
	Name, Method, Path, Body, Text, Contains string
	Status, Draining, Tries, Count           int
	Headers                                  map[string]string
	Chunked, Expect, Large, Binary           bool
	At, VersionAt, IDAt                      []any
	Numbers                                  map[string][]float64
}

// What comes out; the plan's and the summary's names are the same in all programs.
type summary struct {
	sync.Mutex
	Requests int            `json:"requests"`
	Failed   int            `json:"failed"`
	Failures map[string]int `json:"failures"`
	Versions map[string]int `json:"versions"`
	Names    map[string]int `json:"names"`
}

func (s *summary) count(name, version string, failure error) {
	s.Lock()
	defer s.Unlock()
	s.Requests++
	s.Names[name]++
	if version != "" {
		s.Versions[version]++
	}
	if failure != nil {
		s.Failed++
		s.Failures[name+": "+failure.Error()]++
	}
}

func at(document any, path []any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			document = document.(map[string]any)[step]
		case float64:
			document = document.([]any)[int(step)]
		}
	}
	return document
}

func flat(value any, numbers []float64) []float64 {
	if list, ok := value.([]any); ok {
		for _, each := range list {
			numbers = flat(each, numbers)
		}
		return numbers
	}
	return append(numbers, value.(float64))
}

func same(numbers, expected []float64, count int) bool {
	if len(numbers) != count {
		return false
	}
	for n, number := range numbers {
		if !(math.Abs(number-expected[n%len(expected)]) < 1e-9) {
			return false
		}
	}
	return true
}

func doubles(data []byte) []float64 {
	numbers := make([]float64, len(data)/8)
	for n := range numbers {
		numbers[n] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*n:]))
	}
	return numbers
}

// The version whose answer it is, where anything says it, and the id of its first row.
func check(r request, response *http.Response, body []byte) (version, id string, err error) {
	start := string(body[:min(len(body), 200)])
	if response.StatusCode != r.Status && response.StatusCode != r.Draining {
		return "", "", fmt.Errorf("status %d: %q", response.StatusCode, start)
	}
	if r.Method == "HEAD" {
		return "", "", nil
	}
	if !strings.Contains(string(body), r.Contains) {
		return "", "", fmt.Errorf("no %s in %q", r.Contains, start)
	}
	if len(r.Numbers) == 0 {
		return "", "", nil
	}
	end := len(body)
	if r.Binary {
		end, err = strconv.Atoi(response.Header.Get("Inference-Header-Content-Length"))
		if err != nil {
			return "", "", err
		}
	}
	var document any
	if err := json.Unmarshal(body[:end], &document); err != nil {
		return "", "", err
	}
	var numbers []float64
	if r.Binary {
		numbers = doubles(body[end:])
	} else {
		numbers = flat(at(document, r.At), nil)
	}
	for each, expected := range r.Numbers {
		if same(numbers, expected, r.Count) {
			version = each
		}
	}
	if version == "" {
		return "", "", fmt.Errorf("%d numbers of no version: %q", len(numbers), start)
	}
	if r.VersionAt != nil && at(document, r.VersionAt) != version {
		return "", "", fmt.Errorf("numbers of version %s, said to be of %v", version, at(document, r.VersionAt))
	}
	if r.IDAt != nil {
		id = at(document, r.IDAt).(string)
	}
	return version, id, nil
}

func ask(client *http.Client, address string, r request, sent []byte) (*http.Response, []byte, error) {
	var body io.Reader
	if len(sent) > 0 {
		body = bytes.NewReader(sent)
	}
	if r.Chunked {
		body = io.MultiReader(body) // net/http does not know its length
	}
	asked, err := http.NewRequest(r.Method, address+r.Path, body)
	if err != nil {
		return nil, nil, err
	}
	for name, value := range r.Headers {
		asked.Header.Set(name, value)
	}
	if r.Expect {
		asked.Header.Set("Expect", "100-continue")
	}
	response, err := client.Do(asked)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response, answer, err
}

func main() {
	address, plan := os.Args[1], os.Args[2]
	content, err := os.ReadFile(plan)
	if err != nil {
		panic(err)
	}
	content = bytes.ReplaceAll(content, []byte(`"version_at"`), []byte(`"VersionAt"`))
	content = bytes.ReplaceAll(content, []byte(`"id_at"`), []byte(`"IDAt"`))
	var requests, small, large []request
	if err := json.Unmarshal(content, &requests); err != nil {
		panic(err)
	}
	for _, r := range requests {
		if r.Large {
			large = append(large, r)
		} else {
			small = append(small, r)
		}
	}
	found := summary{Failures: map[string]int{}, Versions: map[string]int{}, Names: map[string]int{}}
	over := make(chan struct{})
	turn := 0
	rounds := func(keep bool) {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DisableKeepAlives = !keep
		client := &http.Client{Transport: transport, Timeout: 300 * time.Second}
		id := ""
		for {
			found.Lock()
			now := append(small[:len(small):len(small)], large[turn%len(large)])
			turn++
			found.Unlock()
			for _, r := range now {
				var sent []byte
				if r.Text != "" {
					sent = []byte(strings.ReplaceAll(r.Text, "{id}", id))
				} else if r.Body != "" {
					sent, _ = os.ReadFile(filepath.Join(filepath.Dir(plan), r.Body))
				}
				version := ""
				response, answer, err := ask(client, address, r, sent)
				for tries := 1; err == nil && response.StatusCode != r.Status && tries < r.Tries; tries++ {
					response, answer, err = ask(client, address, r, sent)
				}
				if err == nil {
					var made string
					version, made, err = check(r, response, answer)
					if made != "" {
						id = made
					}
				}
				found.count(r.Name, version, err)
			}
			fmt.Println("round")
			select {
			case <-over:
				return
			default:
			}
		}
	}
	var workers sync.WaitGroup
	for _, keep := range []bool{true, true, false} {
		workers.Go(func() { rounds(keep) })
	}
	io.Copy(io.Discard, os.Stdin)
	close(over)
	workers.Wait()
	json.NewEncoder(os.Stdout).Encode(&found)
}
