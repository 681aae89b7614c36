//! Whom to trust and what to identify with towards a broker, in files.

use crate::failure::Failure;

/// The files, each as PEM.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    /// Whom to trust.
    pub(crate) authorities_file: Option<String>,
    /// What to identify with.
    pub(crate) certificate_file: Option<String>,
    /// The key of that.
    pub(crate) key_file: Option<String>,
}

/// What is in them.
#[derive(Debug, Default)]
pub(crate) struct TlsContents {
    /// Whom to trust, in place of the public authorities.
    pub(crate) authorities: Option<Vec<u8>>,
    /// A certificate and its key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsFiles {
    /// Whether there is none of them.
    pub(crate) const fn is_empty(&self) -> bool {
        self.authorities_file.is_none() && self.certificate_file.is_none() && self.key_file.is_none()
    }

    /// Reads the files of the settings in `table`.
    ///
    /// # Errors
    /// When one cannot be read, or there is a certificate without its key, or a key without its certificate.
    pub(crate) fn read(&self, table: &str) -> Result<TlsContents, Failure> {
        let read = |setting: &str, path: &String| {
            std::fs::read(path).map_err(|error| {
                Failure::configuration(format!(
                    "{table}.{setting} names {path}, which cannot be read: {error}"
                ))
            })
        };
        let identity = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => {
                Some((read("certificate_file", certificate)?, read("key_file", key)?))
            }
            (None, None) => None,
            _ => {
                return Err(Failure::configuration(format!(
                    "{table}.certificate_file and {table}.key_file go together: set both, or neither"
                )));
            }
        };
        let authorities =
            self.authorities_file.as_ref().map(|file| read("authorities_file", file)).transpose()?;
        Ok(TlsContents { authorities, identity })
    }
}
