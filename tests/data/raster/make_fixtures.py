"""Makes the fixtures of this folder with tifffile, imagecodecs and Pillow, whose encoders are not ours.

Sample of column x, row y, band b: v = 31 x + 57 y + 101 b + x y. Each file says below what is made of v.
"""

import numpy as np
import tifffile
from PIL import Image

W, H = 19, 17


def v(bands):
    y, x, b = np.mgrid[0:H, 0:W, 0:bands]
    return 31 * x + 57 * y + 101 * b + x * y


u8 = lambda bands: (v(bands) % 256).astype("uint8")
u16 = lambda bands: (v(bands) * 17 % 65536).astype("uint16")
tile = dict(tile=(16, 16))

tifffile.imwrite("tiled_lzw_u16x3.tif", u16(3), photometric="rgb", compression="lzw", predictor=True, **tile)
tifffile.imwrite("planar_tiled_deflate_u8x3.tif", np.moveaxis(u8(3), 2, 0), photometric="rgb", planarconfig="separate", compression="zlib", predictor=True, **tile)
tifffile.imwrite("planar_strips_u16x5.tif", np.moveaxis(u16(5), 2, 0), photometric="minisblack", planarconfig="separate", rowsperstrip=7, compression="zlib")
tifffile.imwrite("tiled_deflate_f32.tif", (v(1)[..., 0] / 8 - 100).astype("float32"), compression="zlib", predictor=3, **tile)
tifffile.imwrite("strips_f64.tif", v(1)[..., 0] / 8 - 100, rowsperstrip=5, compression="zlib")
tifffile.imwrite("big_endian_packbits_u16.tif", u16(1)[..., 0], byteorder=">", compression="packbits", rowsperstrip=4)
tifffile.imwrite("bigtiff_i16.tif", (v(1)[..., 0] - 1000).astype("int16"), bigtiff=True, rowsperstrip=10)
tifffile.imwrite("big_endian_bigtiff_u32.tif", (v(1)[..., 0] * 1000003 % 2**32).astype("uint32"), bigtiff=True, byteorder=">", compression="zlib")
# RGB and a fourth band of no stated meaning, as aerial pictures with near infrared have.
tifffile.imwrite("rgb_and_infrared_lzw_u8x4.tif", u8(4), photometric="rgb", extrasamples=["unspecified"], compression="lzw", predictor=True, rowsperstrip=8)
# RGB and alpha: 0 where (x + y) % 5 == 0, else 200.
y, x = np.mgrid[0:H, 0:W]
tifffile.imwrite("rgba_u8.tif", np.dstack([u8(3), np.where((x + y) % 5 == 0, 0, 200).astype("uint8")]), photometric="rgb", extrasamples=["unassalpha"], compression="zlib")
# White is 0; the stored values are v.
tifffile.imwrite("white_is_zero_u8.tif", u8(1)[..., 0], photometric="miniswhite", compression="zlib")
tifffile.imwrite("i8.tif", (v(1)[..., 0] % 256).astype("uint8").view("int8"))
tifffile.imwrite("i32.tif", (v(1)[..., 0] * 1000003 % 2**31 - 2**30).astype("int32"), compression="zlib")
# v % 2, packed.
tifffile.imwrite("bits.tif", (v(1)[..., 0] % 2).astype("bool"), photometric="minisblack")
# GDAL's text of no data, and GeoTIFF's tags.
geo = [
    (33550, "d", 3, (10.0, 10.0, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 300000.0, 3700000.0, 0.0), True),
    (34735, "H", 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32629), True),
    (34736, "d", 2, (6378137.0, 298.257223563), True),
    (34737, "s", 0, "WGS 84 / UTM zone 29N|", True),
    (42113, "s", 0, "-9999", True),
]
tifffile.imwrite("geo_nodata_i16.tif", (v(1)[..., 0] - 1000).astype("int16"), extratags=geo, compression="zlib", byteorder=">")
# What is refused.
Image.fromarray(u8(1)[..., 0]).convert("P").save("palette.tif", compression="tiff_lzw")
Image.fromarray(u8(3)).save("jpeg_compressed.tif", compression="jpeg")
tifffile.imwrite("zstd.tif", u8(1)[..., 0], compression="zstd")
tifffile.imwrite("f16.tif", v(1)[..., 0].astype("float16"), compression="zlib")

# PNG with Adam7, which the encoder in Rust does not write. (Pillow does not either; the passes are written here.)
import struct, zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


raw = b""
for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
    for row in u16(1)[y0::dy, x0::dx, 0]:
        raw += b"\0" + row.astype(">u2").tobytes()
with open("interlaced_u16.png", "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, 0, 0, 0, 1)) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))

Image.fromarray(u8(3)).save("progressive.jpg", quality=60, progressive=True)
