"""Where scripts/install.sh takes the binary from, and what it does when a source fails."""

import os
import shutil
import socket
import time

from home import VERSION, InstallTest, make_plugin, publish, release_file, stub, write_program


class Binary(InstallTest):
    def setUp(self):
        super().setUp()
        self.source = make_plugin(self.top / "source folder" / "helm safe upgrade")
        self.binary = self.source / "bin" / "helm-safe-upgrade"

    def use_server(self):
        """Releases come from a folder of their own server."""
        server = self.serve()
        del self.env["HELM_SAFE_UPGRADE_NO_DOWNLOAD"]
        self.env["HELM_SAFE_UPGRADE_DOWNLOAD_URL"] = f"{server.url}/releases"
        return server

    def cargo_arguments(self):
        record = self.top / "cargo arguments"
        return record.read_text() if record.exists() else None

    def assert_nothing_installed(self):
        self.assert_not_installed()
        self.assertEqual(os.listdir(self.source / "bin") if self.binary.parent.exists() else [], [])

    def test_right_version_present_is_used_without_download(self):
        server = self.use_server()
        write_program(self.binary, stub() + "# the one that was there\n")
        self.assertIn("(binary already there)", self.install(self.source).stdout)
        self.assertIn("the one that was there", self.binary.read_text())
        self.assertEqual(server.requests, [])

    def test_other_version_present_is_replaced(self):
        server = self.use_server()
        publish(server.folder / "releases")
        write_program(self.binary, stub("0.0.1"))
        self.install(self.source)
        self.assertEqual(self.binary.read_text(), stub())

    def test_download_with_good_checksum(self):
        server = self.use_server()
        publish(server.folder / "releases")
        self.fake_cargo()
        result = self.install(self.source)
        self.assertIn("(downloaded release)", result.stdout)
        self.assertIn(f"downloading {server.url}/releases/{release_file()}", result.stderr)
        self.assert_works()
        self.assertIsNone(self.cargo_arguments())
        self.assertEqual(os.listdir(self.source / "bin"), ["helm-safe-upgrade"])

    def test_download_with_wget_where_there_is_no_curl(self):
        if not shutil.which("wget"):
            self.skipTest("wget is not installed")
        (self.tools / "curl").unlink()
        (self.tools / "wget").symlink_to(shutil.which("wget"))
        server = self.use_server()
        publish(server.folder / "releases")
        self.install(self.source)
        self.assert_works()

    def test_checksum_mismatch_is_a_hard_error(self):
        server = self.use_server()
        publish(server.folder / "releases", checksum="0" * 64)
        self.fake_cargo()
        result = self.install(self.source, fails=True)
        self.assertIn(f"{release_file()} does not match its checksum\n  expected {'0' * 64}\n  found    ", result.stderr)
        self.assertIn("HELM_SAFE_UPGRADE_NO_DOWNLOAD=1 builds from source", result.stderr)
        self.assertIsNone(self.cargo_arguments())
        self.assert_nothing_installed()

    def test_checksum_file_that_is_none_is_a_hard_error(self):
        server = self.use_server()
        for text in ("", "<html>", "é" * 64):
            publish(server.folder / "releases", checksum=text)
            self.fake_cargo()
            self.assertIn("does not match its checksum", self.install(self.source, fails=True).stderr)
            self.assert_nothing_installed()
            shutil.rmtree(server.folder / "releases")
        self.assertIsNone(self.cargo_arguments())

    def test_missing_checksum_is_no_release(self):
        server = self.use_server()
        publish(server.folder / "releases")
        (server.folder / "releases" / (release_file() + ".sha256")).unlink()
        self.fake_cargo()
        self.assertIn("(built from source)", self.install(self.source).stdout)

    def test_missing_release_is_built_from_source(self):
        self.use_server()
        self.fake_cargo()
        result = self.install(self.source)
        self.assertIn("no release there: ", result.stderr)
        self.assertIn("404", result.stderr)
        self.assertIn("   Compiling helm-safe-upgrade", result.stderr)
        self.assertIn("(built from source)", result.stdout)
        self.assertIn("build --release --locked", self.cargo_arguments())
        self.assert_works()
        self.assertTrue((self.source / "target").exists())

    def test_release_that_does_not_run_here_is_built_from_source(self):
        server = self.use_server()
        publish(server.folder / "releases", binary="#!/bin/sh\nexit 127\n")
        self.fake_cargo()
        self.assertIn("(built from source)", self.install(self.source).stdout)
        self.assert_works()

    def test_unreachable_server_costs_seconds_only(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        del self.env["HELM_SAFE_UPGRADE_NO_DOWNLOAD"]
        self.env["HELM_SAFE_UPGRADE_DOWNLOAD_URL"] = f"http://127.0.0.1:{port}"
        self.fake_cargo()
        started = time.monotonic()
        self.install(self.source)
        self.assertLess(time.monotonic() - started, 10)
        self.assert_works()

    def test_cargo_target_folder_is_honoured(self):
        self.fake_cargo()
        for name in ("target folder", 'with "quotes" and back\\slash'):
            self.env["CARGO_TARGET_DIR"] = str(self.top / name)
            self.install(self.source)
            self.assert_works()
            self.assertTrue((self.top / name / "release" / "helm-safe-upgrade").exists())
            self.run_helm("plugin", "uninstall", "safe-upgrade")
            self.binary.unlink()
        self.assertFalse((self.source / "target").exists())

    def test_clone_keeps_no_build_folder(self):
        self.fake_cargo()
        self.git_install(f"file://{self.repository(self.top / 'tree')}")
        self.assert_works()
        self.assertFalse((self.plugins / "tree" / "target").exists())

    def test_nothing_available_is_a_clear_error(self):
        self.use_server()
        result = self.install(self.source, fails=True)
        for text in (
            f"cannot install helm-safe-upgrade {VERSION}: no binary for ",
            "\n  download http://127.0.0.1:",
            "\n  build: cargo is not installed\n",
            "Hint: install Rust from https://rustup.rs, or set HELM_SAFE_UPGRADE_BIN=/path/to/helm-safe-upgrade; "
            f'then run: helm plugin install "{self.source}"',
        ):
            self.assertIn(text, result.stderr)
        self.assert_nothing_installed()
        self.fake_cargo()
        self.install(self.source)
        self.assert_works()

    def test_failed_build_is_a_clear_error(self):
        self.fake_cargo()
        result = self.install(self.source, fails=True, CARGO_FAILS="1")
        self.assertIn("error: could not compile", result.stderr)
        self.assertIn("build: cargo build --release --locked failed, see above", result.stderr)
        self.assert_nothing_installed()

    def test_build_of_another_version_is_refused(self):
        self.fake_cargo("0.0.1")
        result = self.install(self.source, fails=True)
        self.assertIn(f"target/release/helm-safe-upgrade is not helm-safe-upgrade {VERSION}", result.stderr)
        self.assert_nothing_installed()

    def test_given_binary_is_copied(self):
        given = write_program(self.top / "my binary", stub())
        write_program(self.binary, stub() + "# an older build of the same version\n")
        result = self.install(self.source, HELM_SAFE_UPGRADE_BIN=str(given))
        self.assertIn(f"(copied from {given})", result.stdout)
        self.assertEqual(self.binary.read_text(), stub())

    def test_given_binary_of_another_version_is_refused(self):
        for text, found in ((stub("0.0.1"), "helm-safe-upgrade 0.0.1"), ("no program", "nothing that can be run here")):
            given = write_program(self.top / "my binary", text)
            result = self.install(self.source, fails=True, HELM_SAFE_UPGRADE_BIN=str(given))
            self.assertIn(f"HELM_SAFE_UPGRADE_BIN={given} is {found}", result.stderr)
            self.assert_nothing_installed()

    def test_windows_is_named_as_not_supported(self):
        (self.tools / "uname").unlink()
        write_program(self.tools / "uname", "#!/bin/sh\necho MINGW64_NT-10.0\n")
        result = self.install(self.source, fails=True)
        self.assertIn("Windows is not supported\nHint: use Helm and this plugin inside WSL", result.stderr)
        self.assert_nothing_installed()
