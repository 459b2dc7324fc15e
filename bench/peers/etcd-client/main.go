// Command etcd-client puts values into one etcd over gRPC, for the bench. It takes one command a line from standard input, and
// answers each with one line of JSON on standard output.
//
//	etcd-client HOST:PORT
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	pb "go.etcd.io/etcd/etcdserver/etcdserverpb"
	"google.golang.org/grpc"
)

const (
	valueBytes     = 256
	keys           = 10_000
	maxConnections = 8
	dialTimeout    = 10 * time.Second
	putTimeout     = 30 * time.Second
)

type window struct {
	Commits   int         `json:"commits"`
	Us        int64       `json:"us"`
	Latencies [][2]uint64 `json:"latencies"`
}

func put(client pb.KVClient, key int, value []byte) error {
	deadline, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	_, err := client.Put(deadline, &pb.PutRequest{Key: []byte(fmt.Sprintf("bench-%06d", key%keys)), Value: value})
	return err
}

// run puts from so many goroutines at once, each again as soon as its last put was answered.
func run(all []pb.KVClient, clients int, length time.Duration) (*window, error) {
	value := make([]byte, valueBytes)
	counts := make([]map[uint64]uint64, clients)
	failures := make([]error, clients)
	var done sync.WaitGroup
	begun := time.Now()
	for i := 0; i < clients; i++ {
		done.Add(1)
		go func(i int) {
			defer done.Done()
			counts[i] = map[uint64]uint64{}
			key := i * keys / clients
			for now := time.Now(); now.Sub(begun) < length; key++ {
				if err := put(all[i%len(all)], key, value); err != nil {
					failures[i] = err
					return
				}
				after := time.Now()
				counts[i][uint64(after.Sub(now).Microseconds())]++
				now = after
			}
		}(i)
	}
	done.Wait()
	took := time.Since(begun)
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	merged := map[uint64]uint64{}
	answer := &window{Us: took.Microseconds()}
	for _, count := range counts {
		for latency, times := range count {
			merged[latency] += times
			answer.Commits += int(times)
		}
	}
	for latency, times := range merged {
		answer.Latencies = append(answer.Latencies, [2]uint64{latency, times})
	}
	return answer, nil
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	if len(os.Args) != 2 {
		return errors.New("usage: etcd-client HOST:PORT")
	}
	var all []pb.KVClient
	for i := 0; i < maxConnections; i++ {
		deadline, cancel := context.WithTimeout(context.Background(), dialTimeout)
		connection, err := grpc.DialContext(deadline, os.Args[1], grpc.WithInsecure(), grpc.WithBlock())
		cancel()
		if err != nil {
			return fmt.Errorf("no connection to %s: %w", os.Args[1], err)
		}
		all = append(all, pb.NewKVClient(connection))
	}
	out := json.NewEncoder(os.Stdout)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var clients int
		var milliseconds int64
		if _, err := fmt.Sscanf(input.Text(), "run %d %d", &clients, &milliseconds); err != nil {
			return fmt.Errorf("unknown command %q", input.Text())
		}
		answer, err := run(all, clients, time.Duration(milliseconds)*time.Millisecond)
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return input.Err()
}
