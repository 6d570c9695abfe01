"""The one buffer in which packets are received, decrypted, rewritten, encrypted and sent.

A relayed packet never becomes a Python object of its own, which halves what Python adds to its
cost. All legs of a process share the buffer: a packet is dealt with before the next one comes.
"""

from pylibsrtp._binding import ffi

#: Larger than any datagram of voice, and than its encrypted form.
SIZE = 4096
# The most that is read from a socket, so that encryption has room to grow.
_READ = 2048


class Scratch:
    """Holds one packet at a time.

    `view` is the whole buffer, `room` the part to receive into, `length[0]` the packet's length;
    `data` is the buffer as libsrtp takes it.
    """

    def __init__(self) -> None:
        self.data = ffi.new("unsigned char[]", SIZE)
        self.length = ffi.new("int *")
        self.view = memoryview(ffi.buffer(self.data))
        self.room = self.view[:_READ]

    def load(self, packet: bytes | bytearray) -> None:
        """Take `packet` in; one that is too long for a packet of voice is not, and none is held."""
        length = len(packet)
        if length > _READ:
            length = 0
        self.view[:length] = packet[:length]
        self.length[0] = length

    def packet(self) -> bytes:
        """A copy of the packet."""
        return self.view[: self.length[0]].tobytes()
