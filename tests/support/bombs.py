"""Small files that are large: made by hand, since what writes such pictures and videos would need their memory."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable

import numpy as np

HUGE = 16_000
"""Side of what is too large, in pixels; FFmpeg takes no much larger one."""


def png(width: int, height: int, bits: int = 1) -> bytes:
    """A black picture of one bit or eight bits a pixel."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width * bits + 7) // 8)
    content = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    """An animation whose frames after the first change one pixel."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = (
        b"\x21\xf9\x04\x00\x0a\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    )
    return screen + frame * frames + b"\x3b"


def tiff(width: int, height: int) -> bytes:
    """A black picture, deflated."""
    packer = zlib.compressobj(9)
    row = bytes(width)
    strip = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 4, height), (279, 4, len(strip)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(strip)) + strip + directory


def chunk(name: bytes, data: bytes) -> bytes:
    """Of a RIFF file."""
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def webp(width: int, height: int, frames: int) -> bytes:
    """An animation of frames of one pixel on a large canvas."""
    from PIL import Image

    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, "WEBP", lossless=True)
    image = small.getvalue()[12:]  # its VP8L chunk

    def size(value: int) -> bytes:
        return (value - 1).to_bytes(3, "little")

    body = chunk(b"VP8X", b"\x02\0\0\0" + size(width) + size(height)) + chunk(b"ANIM", bytes(6))
    body += chunk(b"ANMF", bytes(6) + size(1) * 2 + (100).to_bytes(3, "little") + b"\0" + image) * frames
    return chunk(b"RIFF", b"WEBP" + body)


def ico(content: bytes) -> bytes:
    """An icon that says 16 x 16 pixels, and holds any picture."""
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(content), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + content


def bmp(width: int, height: int) -> bytes:
    """A header, and no pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header + bytes(1000)


def wav(seconds: float, rate: int = 8000, channels: int = 1, named: int | None = None) -> bytes:
    """Silence of 8 bits, whose header names any number of bytes."""
    data = bytes([128]) * int(seconds * rate * channels)
    size = len(data) if named is None else named
    form = struct.pack("<HHIIHH", 1, channels, rate, (rate * channels) % 2**32, channels % 2**16, 8)
    head = b"RIFF" + struct.pack("<I", (size + 36) % 2**32) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", size) + data


def flac(hours: float, rate: int = 8000, form: str = "FLAC") -> bytes:
    """Silence; or in another of soundfile's formats."""
    import soundfile

    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 1, format=form) as sound:
        for _ in range(int(hours * 60)):
            sound.write(np.zeros(60 * rate, np.int16))
    return file.getvalue()


def flac_of_unknown_length(hours: float) -> bytes:
    """Silence in a stream whose header says nothing of how long it is."""
    content = bytearray(flac(hours))
    content[21] &= 0xF0  # the number of samples: 36 bits of STREAMINFO
    content[22:26] = bytes(4)
    return bytes(content)


def avi(frame: bytes, side: int, frames: int) -> bytes:
    """A video of PNG frames, whose header names any size."""
    head = struct.pack("<14I", 100_000, 0, 0, 0, frames, 0, 1, 0, side, side, 0, 0, 0, 0)
    stream = b"vidsMPNG" + struct.pack("<10I4H", 0, 0, 0, 1, 10, 0, frames, 0, 0, 0, 0, 0, side, side)
    form = struct.pack("<IiiHH4sIiiII", 40, side, side, 1, 24, b"MPNG", 0, 0, 0, 0, 0)
    listed = chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", form))
    body = chunk(b"LIST", b"hdrl" + chunk(b"avih", head) + listed)
    return chunk(b"RIFF", b"AVI " + body + chunk(b"LIST", b"movi" + chunk(b"00dc", frame) * frames))


def mov(packets: Iterable[bytes], side: int) -> bytes:
    """A video of PNG frames as they are, whatever the header says of their size."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mov") as container:
        stream = container.add_stream("png", rate=10)
        stream.width = stream.height = side
        stream.pix_fmt = "rgb24"
        container.start_encoding()
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.duration = stream, number, number, 1
            packet.time_base = stream.codec_context.time_base
            packet.is_keyframe = True
            container.mux(packet)
    return file.getvalue()


def mov_of_huge_frames(count: int) -> bytes:
    """A video whose header and frames are huge both."""
    content = bytearray(mov([png(HUGE, HUGE)] * count, 64))
    place = content.index(b"png ") + 28  # width and height, in the description of the frames
    content[place : place + 4] = struct.pack(">HH", HUGE, HUGE)
    return bytes(content)


def mkv(width: int, height: int) -> bytes:
    """A video whose header names any size of two bytes each."""
    from tlzoo.data.media.video import encode

    content = encode(np.zeros((16, 300, 300, 3), np.uint8), 10)
    for name, value in ((b"\xb0\x82", width), (b"\xba\x82", height)):  # PixelWidth, PixelHeight
        content = content.replace(name + struct.pack(">H", 300), name + struct.pack(">H", value), 1)
    return content


def mov_of_counted_frames(count: int) -> bytes:
    """A video whose tables name a frame of one byte so many times."""
    content = bytearray(mov([png(16, 16, 8)] * 2, 16))
    for name, at, values in ((b"stsz", 8, (1, count)), (b"stsc", 16, (count,)), (b"stts", 12, (count,))):
        packed = struct.pack(f">{len(values)}I", *values)
        place = content.index(name) + at
        content[place : place + len(packed)] = packed
    return bytes(content)


def mp4_of_a_run(count: int) -> bytes:
    """A video in fragments, of which one names so many frames that have no entry of their own."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof"}) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 32), np.uint8), "yuv420p")))
        container.mux(stream.encode(None))
    content = bytearray(file.getvalue())
    place = content.index(b"trun") + 4
    content[place : place + 8] = struct.pack(">II", 1, count)  # no field a frame but the place of the first
    return bytes(content)


SDP = (
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n%s\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '%s'\nduration 1\n"
DASH = b"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">
<BaseURL>%s</BaseURL></Representation>
</AdaptationSet></Period></MPD>"""

PICTURES: dict[str, Callable[[], bytes]] = {
    "169 megapixels.png": lambda: png(13_000, 13_000),
    "a line.png": lambda: png(1, 25_000_000),
    "frames.gif": lambda: gif(30_000, 30_000, 50_000),
    "400 megapixels.tif": lambda: tiff(20_000, 20_000),
    "animation.webp": lambda: webp(16_000, 16_000, 10_000),
    "within.ico": lambda: ico(png(13_000, 13_000)),
    "header.bmp": lambda: bmp(30_000, 30_000),
}
SOUNDS: dict[str, Callable[[], bytes]] = {
    "hours.flac": lambda: flac(10),
    "of unknown length.flac": lambda: flac_of_unknown_length(10),
    "hours.ogg": lambda: flac(2, form="OGG"),
    "hours.mp3": lambda: flac(2, form="MP3"),
    "one a second.wav": lambda: wav(1_000_000, 1),
    "two a second.wav": lambda: wav(3500, 2),
    "channels.wav": lambda: wav(2, 8000, 1000),
    "four gigabytes.wav": lambda: wav(1, named=0xFFFFFFF0),
    "two gigahertz.wav": lambda: wav(0.01, 2**31 - 1),
}
VIDEOS: dict[str, Callable[[], bytes]] = {
    "16 huge frames.mov": lambda: mov_of_huge_frames(16),
    "lying.mov": lambda: mov([png(HUGE, HUGE)] * 16, 64),
    "lying.avi": lambda: avi(png(HUGE, HUGE), 64, 16),
    "huge.mkv": lambda: mkv(HUGE, HUGE),
    "frames.gif": lambda: gif(5000, 5000, 50_000),
    "counted frames.mov": lambda: mov_of_counted_frames(80_000_000),
    "a run of frames.mp4": lambda: mp4_of_a_run(80_000_000),
    "a line.mkv": lambda: mkv(300, 60_900),
    "streaming.mp4": lambda: SDP,
    "concat.mp4": lambda: CONCAT % b"/dev/zero",
    "playlist.mp4": lambda: HLS % b"http://127.0.0.1:9/x.ts",
    "manifest.mp4": lambda: DASH % b"http://127.0.0.1:9/x.mp4",
}
BOMBS = {"image": PICTURES, "audio": SOUNDS, "video": VIDEOS}
