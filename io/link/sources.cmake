# The cluster link: sockets and TLS without CAF, and the actors that hand its connections over to CAF's network layer. paygatectl uses it, too.
paygate_library(paygate_link
                SOURCES link/peer.cpp link/socket.cpp link/frame_guard.cpp link/refused_list.cpp link/credentials.cpp link/tls_stream.cpp link/connection.cpp
                        link/refusal_log.cpp link/pump.cpp link/hand_over.cpp link/doors.cpp link/roster.cpp link/links.cpp
                LIBS paygate_messages OpenSSL::SSL OpenSSL::Crypto caf::io)
paygate_precompile_caf(paygate_link)
