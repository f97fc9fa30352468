package lab

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mdlayher/packet"
)

// Capture hands over, one by one, the Ethernet frames of a protocol, unix.ETH_P_ALL for every one, that come to the host
// on eth0: its own, what the switch floods, and, with ETH_P_ALL, what it sends. A frame is gone when take returns.
func (h *Host) Capture(protocol int, take func(at time.Time, frame []byte)) (stop func() error, err error) {
	var conn *packet.Conn
	err = h.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if conn, err = packet.Listen(eth0, packet.Raw, protocol, nil); err != nil {
			return err
		}
		return conn.SetPromiscuous(true)
	})
	if err != nil {
		return nil, fmt.Errorf("capture on %s: %w", h.Name(), err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		buf := make([]byte, 2048)
		for {
			size, _, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			take(time.Now(), buf[:size])
		}
	})
	return func() error {
		err := conn.Close()
		reader.Wait()
		return err
	}, nil
}
