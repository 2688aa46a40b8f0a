"""`helm safe-upgrade` and `helm revdiff` reach the binary with everything the user typed."""

import re

from home import ROOT, InstallTest, make_plugin, stub

# Not among these: an empty argument of its own. Helm drops it together with the one that follows it.
WORDS = ["a b", "it's", 'say "hi"', "$HOME", "*", "back\\slash", "two\nlines", "é", "--set=a=b c", "--description=", "--", "-"]


class Subcommands(InstallTest):
    def setUp(self):
        super().setUp()
        self.source = make_plugin(self.top / "source folder" / "helm safe upgrade", stub())
        self.install(self.source)

    def test_arguments_arrive_verbatim(self):
        self.assertEqual(self.arguments("safe-upgrade", *WORDS), WORDS)
        self.assertEqual(self.arguments("revdiff", *WORDS), ["revdiff", *WORDS])

    def test_exit_codes_pass_through(self):
        for subcommand in ("safe-upgrade", "revdiff"):
            for code in (1, 2, 7):
                result = self.run_helm(subcommand, fails=True, STUB_EXIT=str(code))
                self.assertEqual(result.returncode, code, subcommand)

    def test_namespace_and_context_arrive_as_environment(self):
        for subcommand in ("safe-upgrade", "revdiff"):
            for args in (
                ["-n", "shop", "--kube-context", "east", subcommand, "web"],
                [subcommand, "-n", "shop", "web", "--kube-context", "east"],
                [subcommand, "web", "--namespace=shop", "--kube-context=east"],
            ):
                kept = self.top / "environment"
                rest = self.arguments(*args, STUB_ENVIRONMENT=str(kept))
                self.assertEqual(rest[-1], "web")
                self.assertNotIn("shop", rest)
                lines = kept.read_text().splitlines()
                self.assertIn("HELM_NAMESPACE=shop", lines)
                self.assertIn("HELM_KUBECONTEXT=east", lines)

    def test_flags_that_helm_does_not_strip_arrive(self):
        flags = ["-nshop", "--debug=true", "--burst-limit=5", "--qps=2", "--color=always", "--help"]
        self.assertEqual(self.arguments("safe-upgrade", *flags), flags)
        self.assertEqual(self.arguments("revdiff", *flags), ["revdiff", *flags])

    def test_revdiff_is_a_subcommand_of_safe_upgrade_too(self):
        self.assertEqual(self.arguments("safe-upgrade", "revdiff", "web"), ["revdiff", "web"])

    def test_completion_asks_the_binary(self):
        for subcommand in ("safe-upgrade", "revdiff"):
            result = self.run_helm("__complete", subcommand, "two words", "")
            self.assertEqual(result.stdout.splitlines(), [f"<{subcommand}><two words><>", ":4"])

    def test_completion_is_silent_without_an_answer(self):
        (self.source / "bin" / "helm-safe-upgrade").write_text("#!/bin/sh\necho half\necho noise >&2\nexit 2\n")
        for subcommand in ("safe-upgrade", "revdiff"):
            self.assertEqual(self.run_helm("__complete", subcommand, "").stdout, ":0\n")
        (self.source / "bin" / "helm-safe-upgrade").unlink()
        for subcommand in ("safe-upgrade", "revdiff"):
            self.assertEqual(self.run_helm("__complete", subcommand, "").stdout, ":0\n")

    def test_help_lists_both(self):
        listed = self.run_helm("help").stdout
        self.assertRegex(listed, r"(?m)^  safe-upgrade +upgrade under guard")
        self.assertRegex(listed, r"(?m)^  revdiff +show what changes")


class Versions(InstallTest):
    def test_plugin_and_crate_have_one_strict_version(self):
        plugin = re.search(r"(?m)^version: *(.*)$", (ROOT / "plugin.yaml").read_text()).group(1)
        nested = re.search(r"(?m)^version: *(.*)$", (ROOT / "revdiff" / "plugin.yaml").read_text()).group(1)
        crate = re.search(r'(?m)^version = "(.*)"$', (ROOT / "Cargo.toml").read_text()).group(1)
        self.assertRegex(plugin, r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")
        self.assertEqual([plugin, nested], [crate, crate])
