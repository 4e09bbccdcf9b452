list(APPEND io_sources crypto/encoding.cpp crypto/hash.cpp)
