"""Install, list, update and uninstall: what is there afterwards, and what is left alone."""

import os
import subprocess

from home import VERSION, InstallTest, make_plugin, publish, stub, write_program


class FolderInstall(InstallTest):
    def setUp(self):
        super().setUp()
        self.source = make_plugin(self.top / "source folder" / "helm safe upgrade", stub())

    def test_folder_install_gives_both_subcommands(self):
        result = self.install(self.source)
        self.assertIn(f"helm-safe-upgrade {VERSION} installed: helm revdiff, helm safe-upgrade", result.stdout)
        self.assert_works()
        self.assertEqual(sorted(self.plugin_names()), ["revdiff", "safe-upgrade"])
        self.assertEqual(sorted(os.listdir(self.plugins)), ["helm safe upgrade", "revdiff"])

    def test_folder_install_into_the_default_plugin_folder(self):
        del self.env["HELM_PLUGINS"]
        self.plugins = self.top / "data" / "helm" / "plugins"
        self.install(self.source)
        self.assert_works()
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.assert_not_installed()

    def test_folder_install_by_a_relative_path(self):
        self.install("source folder/helm safe upgrade", HELM_PLUGINS="relative plugins")
        self.assert_works(HELM_PLUGINS="relative plugins")
        self.run_helm("plugin", "uninstall", "safe-upgrade", HELM_PLUGINS="relative plugins")
        self.assertEqual(os.listdir(self.top / "relative plugins"), [])

    def test_uninstall_leaves_nothing(self):
        before = sorted(self.source.rglob("*"))
        self.install(self.source)
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.assert_not_installed()
        self.assertEqual([path for path in (self.top / "data").rglob("*") if path.is_symlink()], [])
        self.assertEqual(sorted(self.source.rglob("*")), before)

    def test_uninstall_of_both_names(self):
        for names in (["safe-upgrade", "revdiff"], ["revdiff", "safe-upgrade"]):
            self.install(self.source)
            self.run_helm("plugin", "uninstall", *names)
            self.assert_not_installed()

    def test_uninstall_of_revdiff_alone_and_install_again(self):
        self.install(self.source)
        self.run_helm("plugin", "uninstall", "revdiff")
        self.assertEqual(self.plugin_names(), ["safe-upgrade"])
        self.assertEqual(self.arguments("safe-upgrade", "revdiff", "web"), ["revdiff", "web"])
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.install(self.source)
        self.assert_works()

    def test_update_of_a_folder_install_breaks_nothing(self):
        self.install(self.source)
        self.run_helm("plugin", "update", "safe-upgrade", fails=True)
        self.assert_works()

    def test_two_homes_do_not_disturb_each_other(self):
        other = str(self.top / "other plugins")
        self.install(self.source)
        self.install(self.source, HELM_PLUGINS=other)
        self.run_helm("plugin", "uninstall", "safe-upgrade", HELM_PLUGINS=other)
        self.assert_works()
        self.assertEqual(os.listdir(other), [])

    def test_script_by_hand_only_provides_the_binary(self):
        (self.source / "bin" / "helm-safe-upgrade").unlink()
        given = write_program(self.top / "given", stub())
        subprocess.run(
            ["sh", str(self.source / "scripts" / "install.sh")], check=True, capture_output=True,
            env={**self.env, "HELM_SAFE_UPGRADE_BIN": str(given)},
        )
        self.assertTrue((self.source / "bin" / "helm-safe-upgrade").exists())
        self.assertEqual(os.listdir(self.source.parent), [self.source.name])


class Neighbours(InstallTest):
    """Plugins of the same names that were there before."""

    def setUp(self):
        super().setUp()
        self.source = make_plugin(self.top / "helm-safe-upgrade", stub())

    def foreign(self, folder, name):
        program = write_program(self.plugins / folder / "run", "#!/bin/sh\necho foreign\n")
        text = f'name: "{name}"\nversion: 1.0.0\nusage: u\ndescription: d\ncommand: $HELM_PLUGIN_DIR/run\n'
        (program.parent / "plugin.yaml").write_text(text)

    def assert_foreign_kept(self, folder):
        result = self.install(self.source)
        self.assertIn(f"helm-safe-upgrade {VERSION} installed: helm safe-upgrade (", result.stdout)
        self.assertIn(str(self.plugins / folder), result.stderr)
        self.assertIn("Hint: helm safe-upgrade revdiff does the same", result.stderr)
        self.assertEqual(self.run_helm("revdiff").stdout, "foreign\n")
        self.assertEqual(self.arguments("safe-upgrade", "revdiff", "web"), ["revdiff", "web"])
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.assertEqual(self.run_helm("revdiff").stdout, "foreign\n")
        self.assertEqual(os.listdir(self.plugins), [folder])

    def test_foreign_revdiff_folder_is_untouched(self):
        self.foreign("revdiff", "revdiff")
        self.assert_foreign_kept("revdiff")

    def test_foreign_plugin_named_revdiff_in_another_folder_is_untouched(self):
        self.foreign("helm-revdiff", "revdiff")
        self.assert_foreign_kept("helm-revdiff")

    def test_foreign_link_that_leads_nowhere_is_untouched(self):
        self.plugins.mkdir()
        (self.plugins / "revdiff").symlink_to("/nowhere/revdiff")
        self.install(self.source)
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.assertEqual(os.readlink(self.plugins / "revdiff"), "/nowhere/revdiff")

    def test_link_left_by_a_removed_copy_is_replaced(self):
        self.plugins.mkdir()
        (self.plugins / "revdiff").symlink_to("old-copy/revdiff")
        self.install(self.source)
        self.assert_works()

    def test_revdiff_folder_installed_on_its_own_is_accepted(self):
        self.plugins.mkdir()
        (self.plugins / "revdiff").symlink_to(self.source / "revdiff")
        self.assertIn("installed: helm revdiff, helm safe-upgrade", self.install(self.source).stdout)
        self.assert_works()

    def test_second_copy_is_refused_and_the_first_still_works(self):
        self.install(self.source)
        second = make_plugin(self.top / "second", stub())
        result = self.install(second, fails=True)
        self.assertIn(f"another plugin named safe-upgrade is in {self.plugins / 'helm-safe-upgrade'}", result.stderr)
        self.assertIn("Hint: remove the other one first: helm plugin uninstall safe-upgrade", result.stderr)
        self.assert_works()
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.install(second)
        self.assert_works()


class GitInstall(InstallTest):
    """Over HTTP from a bare repository, with a release page beside it, as on the usual hosts."""

    def setUp(self):
        super().setUp()
        del self.env["HELM_SAFE_UPGRADE_NO_DOWNLOAD"]
        self.server = self.serve()
        self.tree = self.repository(self.top / "tree")
        self.bare = self.server.folder / "helm-safe-upgrade.git"
        self.git("clone", "--bare", str(self.tree), str(self.bare))
        self.git("-C", str(self.tree), "remote", "add", "origin", str(self.bare))
        self.git("-C", str(self.bare), "update-server-info")
        self.page = self.server.folder / "helm-safe-upgrade" / "releases" / "download"
        publish(self.page)

    def release(self, version):
        """Pushes a commit in which the plugin has this version, and publishes it."""
        for file in (self.tree / "plugin.yaml", self.tree / "revdiff" / "plugin.yaml"):
            file.write_text(file.read_text().replace(f"version: {VERSION}", f"version: {version}"))
        self.commit(self.tree)
        self.git("-C", str(self.tree), "push", "origin", "HEAD")
        self.git("-C", str(self.bare), "update-server-info")
        publish(self.page, version)

    def test_git_install_update_and_uninstall(self):
        url = f"{self.server.url}/helm-safe-upgrade.git"
        self.assertIn("(downloaded release)", self.git_install(url).stdout)
        self.assert_works()
        self.release("99.0.0")
        result = self.run_helm("plugin", "update", "safe-upgrade")
        self.assertIn("helm-safe-upgrade 99.0.0 installed: helm revdiff, helm safe-upgrade", result.stdout)
        self.assert_works()
        self.assertIn("99.0.0", self.run_helm("plugin", "list").stdout)
        self.assertEqual(sorted(os.listdir(self.plugins)), ["helm-safe-upgrade.git", "revdiff"])
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.assert_not_installed()

    def test_password_in_the_address_is_not_printed(self):
        url = f"{self.server.url}/helm-safe-upgrade.git".replace("//", "//user:secret@")
        result = self.git_install(url)
        self.assertIn("(downloaded release)", result.stdout)
        self.assertNotIn("secret", result.stdout + result.stderr)

    def test_update_without_news_gets_the_binary_again(self):
        self.git_install(f"{self.server.url}/helm-safe-upgrade.git")
        self.run_helm("plugin", "update", "safe-upgrade")
        self.assert_works()

    def test_git_install_from_a_local_repository(self):
        self.env["HELM_SAFE_UPGRADE_DOWNLOAD_URL"] = f"{self.server.url}/helm-safe-upgrade/releases/download"
        self.git_install(f"file://{self.tree}")
        self.assert_works()
        self.assertFalse((self.plugins / "tree").is_symlink())
        self.run_helm("plugin", "update", "safe-upgrade")
        self.assert_works()
        self.run_helm("plugin", "uninstall", "safe-upgrade")
        self.assert_not_installed()

    def test_failed_clone_is_repaired_by_update(self):
        url = f"{self.server.url}/helm-safe-upgrade.git"
        result = self.git_install(url, fails=True, HELM_SAFE_UPGRADE_NO_DOWNLOAD="1")
        self.assertIn("then run: helm plugin update safe-upgrade", result.stderr)
        self.run_helm("plugin", "update", "safe-upgrade")
        self.assert_works()

    def test_second_copy_as_a_clone_is_refused(self):
        self.install(make_plugin(self.top / "first", stub()))
        result = self.git_install(f"{self.server.url}/helm-safe-upgrade.git", fails=True)
        clone = self.plugins / "helm-safe-upgrade.git"
        self.assertIn(f'Hint: remove one of the two: rm -r "{clone}"', result.stderr)
        subprocess.run(["rm", "-r", str(clone)], check=True)
        self.assert_works()
