"""Asks by mDNS, on the loopback interface only, for a service type, and fails unless an answer has all that is expected.

    mdns.py TYPE TEXT...        for example: mdns.py _hapticd._tcp path=/
"""
import socket, struct, sys, time

GROUP, PORT, LOOPBACK = "224.0.0.251", 5353, "127.0.0.1"
kind, expected = sys.argv[1], [text.encode() for text in sys.argv[2:]]
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
link.bind(("", PORT))
link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(LOOPBACK))
name = b"".join(bytes([len(part)]) + part.encode() for part in [*kind.split("."), "local"]) + b"\0"
question = struct.pack("!6H", 0, 0, 1, 0, 0, 0) + name + struct.pack("!2H", 12, 1)
end = time.monotonic() + 10
while time.monotonic() < end:
    link.sendto(question, (GROUP, PORT))
    link.settimeout(1)
    try:
        while True:
            answer, sender = link.recvfrom(9000)
            # The highest bit of the flags says that it is an answer.
            if answer[2] & 0x80 and all(text in answer for text in expected):
                print(f"{kind} is announced by {sender[0]}")
                sys.exit(0)
    except TimeoutError:
        pass
sys.exit(f"nobody announces {kind} with {expected}")
