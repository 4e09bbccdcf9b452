paygate_test(io_codec_test
             SOURCES crypto_test.cpp rlp_test.cpp ethereum_test.cpp json_test.cpp json_canonical_test.cpp ipn_test.cpp link_test.cpp token_test.cpp password_test.cpp
             LIBS paygate_io)
