// Checks histories of registers: `go run . FILE` prints {"refused": [...], "undecided": [...]}: the keys of those that are
// not linearizable, and of those that took too long.
//
// FILE is a JSON object: register -> operations, each with the times of call and return (0: never answered) and
//
//	read:    the state that was read
//	set:     compare-and-set that was accepted: `expected` ("" for any) was replaced by `state`
//	refused: compare-and-set that was refused: `state` held in place of `expected`
//	open:    compare-and-set of which nobody knows: it may have been done at any time since, or never
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// For one history; ours take milliseconds.
const patience = 20 * time.Second

type operation struct {
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Expected string `json:"expected"`
	Call     int64  `json:"call"`
	Return   int64  `json:"return"`
}

// register is a run's state: the id of the state that holds, "" before the first.
var register = porcupine.Model{
	Init: func() interface{} { return "" },
	Step: func(held, input, _ interface{}) (bool, interface{}) {
		return step(held.(string), input.(operation))
	},
	Equal: func(one, other interface{}) bool { return one == other },
	DescribeOperation: func(input, _ interface{}) string {
		return fmt.Sprintf("%+v", input.(operation))
	},
}

func step(held string, done operation) (bool, string) {
	fits := done.Expected == "" || done.Expected == held
	switch done.Kind {
	case "read":
		return held == done.State, held
	case "set":
		return fits, done.State
	case "refused":
		return held == done.State && !fits, held
	case "open":
		if fits {
			return true, done.State
		}
		return true, held
	}
	return false, held
}

// operations gives each operation a client of its own where others of the history overlap it: porcupine wants that one
// client does one thing at a time.
func operations(history []operation) []porcupine.Operation {
	sort.Slice(history, func(i, j int) bool { return history[i].Call < history[j].Call })
	made := make([]porcupine.Operation, 0, len(history))
	var busy []int64
	for _, each := range history {
		until := each.Return
		if until == 0 {
			until = math.MaxInt64
		}
		client := 0
		for client < len(busy) && busy[client] >= each.Call {
			client++
		}
		if client == len(busy) {
			busy = append(busy, until)
		}
		busy[client] = until
		made = append(made, porcupine.Operation{ClientId: client, Input: each, Call: each.Call, Return: until})
	}
	return made
}

type judgement struct {
	Refused   []string `json:"refused"`
	Undecided []string `json:"undecided"`
}

func judge(histories map[string][]operation) judgement {
	judged := judgement{Refused: []string{}, Undecided: []string{}}
	for key, history := range histories {
		switch porcupine.CheckOperationsTimeout(register, operations(history), patience) {
		case porcupine.Illegal:
			judged.Refused = append(judged.Refused, key)
		case porcupine.Unknown:
			judged.Undecided = append(judged.Undecided, key)
		}
	}
	sort.Strings(judged.Refused)
	sort.Strings(judged.Undecided)
	return judged
}

func run(file string) (judgement, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return judgement{}, err
	}
	var histories map[string][]operation
	if err := json.Unmarshal(text, &histories); err != nil {
		return judgement{}, fmt.Errorf("%s: %w", file, err)
	}
	return judge(histories), nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: linearizability FILE")
		os.Exit(2)
	}
	judged, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	told, err := json.Marshal(judged)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Println(string(told))
}
