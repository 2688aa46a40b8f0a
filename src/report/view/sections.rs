//! Which parts of a diff are shown.

/// The parts of a diff, and whether each is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sections {
    /// What matters most of all that differs.
    pub key_differences: bool,
    /// What the change costs.
    pub impact: bool,
    /// The objects that differ.
    pub resources: bool,
    /// The definitions that Helm does not apply.
    pub crds: bool,
    /// The values, as supplied and as computed.
    pub values: bool,
    /// The chart's metadata.
    pub chart: bool,
    /// The notes.
    pub notes: bool,
}

impl Sections {
    /// Every section.
    pub const ALL: Self = Self {
        key_differences: true,
        impact: true,
        resources: true,
        crds: true,
        values: true,
        chart: true,
        notes: true,
    };

    /// No section.
    pub const NONE: Self = Self {
        key_differences: false,
        impact: false,
        resources: false,
        crds: false,
        values: false,
        chart: false,
        notes: false,
    };

    /// The same without what is drawn from the objects.
    #[must_use]
    pub fn without_overview(self) -> Self {
        Self { key_differences: false, impact: false, ..self }
    }

    /// Whether all that is compared is shown; the sections drawn from it don't count.
    #[must_use]
    pub fn are_whole(self) -> bool {
        self.resources && self.values && self.chart && self.notes
    }
}
