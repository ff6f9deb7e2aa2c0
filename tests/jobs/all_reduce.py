"""A sum over all replicas by plain TCP, as MPI programs do it: the first gathers and tells everybody."""

import json
import os
import socket
import time

rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
cluster = json.loads(os.environ["CLUSTER_SPEC"])["cluster"]
host, port = cluster["workerpool0"][0].rsplit(":", 1)


def receive(connection):
    text = b""
    while not text.endswith(b"\n"):
        piece = connection.recv(100)
        assert piece, "the peer is gone"
        text += piece
    return int(text)


if rank == 0:
    with socket.create_server((host, int(port))) as listener:
        peers = [listener.accept()[0] for _ in range(size - 1)]
    total = sum(map(receive, peers))
    for peer in peers:
        peer.sendall(b"%d\n" % total)
    # The job is over when the first is: it waits for what the others have to say.
    assert [receive(peer) for peer in peers] == [total] * (size - 1)
else:
    for _ in range(600):
        try:
            peer = socket.create_connection((host, int(port)), 60)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    peer.sendall(b"%d\n" % rank)
    total = receive(peer)
    peer.sendall(b"%d\n" % total)
assert total == size * (size - 1) // 2, total
print(f"rank {rank}: the sum is {total}")
