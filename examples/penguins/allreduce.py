"""All-reduce over TCP through the chief: every replica gives a vector, every replica gets the sum of all of them.

The replicas find each other in CLUSTER_SPEC, which customjobd (like Vertex AI) gives to each of them. Rank 0 is
workerpool0-0, the chief; the ranks count on through the pools. The others connect to the chief's address. A message is
a count and that many doubles; the chief adds in the order of the ranks, so that the sum does not depend on who was
first, and all replicas go on with the same bits.
"""

import json
import os
import socket
import struct
import time

CONNECT_SECONDS = 60
ANSWER_SECONDS = 60
HELLO = struct.Struct("!4sII")
MAGIC = b"SUM1"


class Cluster:
    """Who I am and where the chief is, as CLUSTER_SPEC tells."""

    def __init__(self, text):
        spec = json.loads(text)
        pools = sorted(spec["cluster"].items())
        task = spec["task"]
        ranks = [(pool, index) for pool, addresses in pools for index in range(len(addresses))]
        self.rank = ranks.index((task["type"], task["index"]))
        self.size = len(ranks)
        self.name = f"{task['type']}-{task['index']}"
        self.names = [f"{pool}-{index}" for pool, index in ranks]
        host, port = pools[0][1][0].rsplit(":", 1)
        self.chief = (host, int(port))

    @classmethod
    def of_environment(cls):
        return cls(os.environ["CLUSTER_SPEC"])


def send_vector(connection, values):
    connection.sendall(struct.pack(f"!I{len(values)}d", len(values), *values))


def receive_exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError("the other side has closed the connection")
        data += piece
    return bytes(data)


def receive_vector(connection, length):
    (count,) = struct.unpack("!I", receive_exactly(connection, 4))
    if count != length:
        raise ConnectionError(f"a vector of {count} numbers where {length} were expected")
    return struct.unpack(f"!{count}d", receive_exactly(connection, 8 * count))


class Group:
    """The connections of one replica: the chief has one to each other replica, they have one to the chief."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.bytes_sent = 0
        if cluster.rank == 0:
            self.peers = accept_all(cluster)
        else:
            self.peers = [connect(cluster)]

    def sum(self, values):
        """The sum of what all replicas gave, number by number; returns when all have given."""
        if self.cluster.rank == 0:
            total = list(values)
            for peer in self.peers:
                total = [left + right for left, right in zip(total, receive_vector(peer, len(values)))]
            for peer in self.peers:
                send_vector(peer, total)
            self.bytes_sent += len(self.peers) * (4 + 8 * len(values))
            return total
        send_vector(self.peers[0], values)
        self.bytes_sent += 4 + 8 * len(values)
        return list(receive_vector(self.peers[0], len(values)))

    def close(self):
        """The chief goes last: when it ends, the job has ended and whoever still runs is stopped."""
        for peer in self.peers:
            if self.cluster.rank == 0 and peer.recv(1):
                raise ConnectionError("a replica sent more than was asked for")
            peer.close()


def accept_all(cluster):
    """One connection per rank from 1 on, in the order of the ranks."""
    deadline = time.monotonic() + CONNECT_SECONDS
    peers = {}
    with socket.create_server(cluster.chief) as listener:
        while len(peers) < cluster.size - 1:
            listener.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                missing = [cluster.names[rank] for rank in range(1, cluster.size) if rank not in peers]
                raise TimeoutError(f"{', '.join(missing)} did not connect in {CONNECT_SECONDS} s") from None
            connection.settimeout(ANSWER_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            magic, rank, size = HELLO.unpack(receive_exactly(connection, HELLO.size))
            if magic != MAGIC or size != cluster.size or not 0 < rank < size or rank in peers:
                connection.close()
                continue
            peers[rank] = connection
    return [peers[rank] for rank in sorted(peers)]


def connect(cluster):
    """The chief may start later than we do: tried again until it listens."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            connection = socket.create_connection(cluster.chief, timeout=ANSWER_SECONDS)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no chief at {cluster.chief} in {CONNECT_SECONDS} s: {error}") from error
            time.sleep(0.05)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(HELLO.pack(MAGIC, cluster.rank, cluster.size))
    return connection
