"""The shipped nginx site before a world's daemon: as it is, but for its ports, names and certificate."""
import os
import pathlib
import socket
import ssl
import subprocess

from harness import ROOT, Child, free_port, wait

SITE = ROOT / "deploy/nginx/paygate.conf"
NGINX = next((path for path in ("/usr/sbin/nginx", "/usr/bin/nginx") if os.path.exists(path)), "nginx")


class Proxy:
    """The daemon has to trust 127.0.0.1 as a proxy."""

    def __init__(self, world):
        self.world, self.plain, self.tls = world, free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=pay.example.com",
                        "-addext", "subjectAltName=DNS:pay.example.com", "-keyout", world.path("key.pem"), "-out", world.path("cert.pem")], check=True, capture_output=True)
        site = SITE.read_text()
        for old, new in (("listen 80;", f"listen 127.0.0.1:{self.plain};"), ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.tls} ssl http2;"),
                         ("server 127.0.0.1:8080;", f"server 127.0.0.1:{world.daemon_port};"), ("/etc/ssl/paygate/fullchain.pem", world.path("cert.pem")),
                         ("/etc/ssl/paygate/privkey.pem", world.path("key.pem"))):
            assert site.count(old) == 1, old
            site = site.replace(old, new)
        pathlib.Path(world.path("site.conf")).write_text(site)
        folder = world.path("nginx")
        os.mkdir(folder)
        pathlib.Path(world.path("nginx.conf")).write_text(
            ("user root;\n" if os.geteuid() == 0 else "") + f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n  access_log off;\n"
            + "".join(f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) + f"  include {world.path('site.conf')};\n}}\n")
        self.child = Child("nginx", [NGINX, "-c", world.path("nginx.conf"), "-e", folder + "/error.log"], world.path("nginx.log"))
        try:
            wait("nginx", lambda: self.ask("GET /health HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200"))
        except BaseException:
            print(self.child.tail())
            self.close()
            raise

    def close(self):
        """By SIGTERM to the master, so that its workers end with it."""
        self.child.end()

    def ask(self, request):
        """All that comes back for these bytes, over TLS with the certificate's name checked."""
        context = ssl.create_default_context(cafile=self.world.path("cert.pem"))
        with socket.create_connection(("127.0.0.1", self.tls), timeout=20) as raw, context.wrap_socket(raw, server_hostname="pay.example.com") as link:
            link.sendall(request if isinstance(request, bytes) else request.encode())
            answer = b""
            try:
                while chunk := link.recv(65536):
                    answer += chunk
            except (ssl.SSLError, OSError):
                pass
            return answer
