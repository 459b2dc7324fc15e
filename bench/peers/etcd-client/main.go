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
	"time"

	"../load"
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

func put(client pb.KVClient, key int, value []byte) error {
	deadline, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	_, err := client.Put(deadline, &pb.PutRequest{Key: []byte(fmt.Sprintf("bench-%06d", key%keys)), Value: value})
	return err
}

// run puts from so many goroutines at once, each again as soon as its last put was answered.
func run(all []pb.KVClient, clients int, length time.Duration) (*load.Window, error) {
	value := make([]byte, valueBytes)
	return load.Run(clients, length, func(client int) func() error {
		key := client*keys/clients - 1
		return func() error {
			key++
			return put(all[client%len(all)], key, value)
		}
	})
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
