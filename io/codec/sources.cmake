list(APPEND io_sources
     codec/ethereum_tx.cpp
     codec/ipn.cpp
     codec/ipn_signature.cpp
     codec/json.cpp
     codec/json_canonical.cpp
     codec/json_tokens.cpp
     codec/password.cpp
     codec/rlp.cpp
     codec/signer.cpp
     codec/start_link.cpp
     codec/success_token.cpp
     codec/token.cpp)
