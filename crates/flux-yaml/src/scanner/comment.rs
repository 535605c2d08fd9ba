//! Which comment belongs to which token: go-yaml v3's rules.
//!
//! A comment is the *head* of what follows, the *line* comment of what stands before it on its line, or the
//! *foot* of what stands above when an empty line or a smaller indentation follows it.

use super::{Comment, Place, Scanner, Seen};
use crate::input::{break_width, is_break_or_end};

/// How far blanks are looked through for a comment, as upstream.
const REACH: usize = 512;

impl Scanner<'_> {
    /// A comment on the line of a `-` is the head of the entry when content follows in the next line:
    ///
    /// ```yaml
    /// - # about the entry
    ///   name: x
    /// ```
    pub(super) fn line_comment_to_head(&mut self) {
        if self.comments.is_empty() || self.at_break() {
            return;
        }
        let entry = matches!(self.newest(1), Some((_, Seen::BlockSequenceStart)))
            && matches!(self.newest(0), Some((_, Seen::BlockEntry)));
        let Some(comment) = self.comments.back_mut() else { return };
        if !entry || comment.line.is_empty() {
            return;
        }
        comment.head = std::mem::take(&mut comment.line);
        if comment.start.line == self.mark.line - 1 {
            comment.token = self.mark;
        }
    }

    /// Takes a comment on the present line for the token that starts at `owner`.
    pub(super) fn scan_line_comment(&mut self, owner: Place) {
        if self.newlines > 0 {
            return;
        }
        let Some(ahead) = (0..REACH).find(|ahead| !matches!(self.byte(*ahead), b' ' | b'\t')) else { return };
        if self.byte(ahead) != b'#' {
            return;
        }
        for _ in 0..ahead {
            self.skip_blank();
        }
        let start = self.mark;
        let line = self.take_line().to_owned();
        self.comments.push_back(Comment { token: owner, start, line, ..Comment::default() });
    }

    /// Takes the comments at hand, up to the next content, and sorts them into heads and feet.
    pub(super) fn scan_comments(&mut self, scan: Place) {
        let mut before = self.newest(0);
        if let Some((_, Seen::FlowEntry)) = before {
            before = self.newest(1).or(before);
        }
        let (token_start, seen) = before.unwrap_or((Place::default(), Seen::Other));
        let mut group = Group { scan, owner: token_start, start: Place::default(), text: String::new() };
        let mut next_indent = self.indent.max(0);
        let mut recent_empty = false;
        let mut first_empty = self.newlines <= 1;
        let mut here = self.mark;
        // A comment that starts in this line is still a foot of what stands above.
        let foot_line = match (scan.line > 0, self.newlines == 0 && self.mark.column > 1) {
            (false, _) => -1,
            (true, below) => self.mark.line - self.newlines + 1 + i32::from(below),
        };
        let mut ahead = 0;
        while ahead < REACH {
            here.column += 1;
            let next = self.byte(ahead);
            if matches!(next, b' ' | b'\t') {
                ahead += 1;
                continue;
            }
            here.index = self.mark.index + ahead as i32;
            let closes = self.flow_level > 0 && matches!(next, b']' | b'}');
            let rest = self.rest_from(ahead);
            if closes || is_break_or_end(rest) {
                if closes || !recent_empty {
                    let is_foot = group.start.line == foot_line && seen != Seen::Value;
                    let dedented = group.start.column - 1 < next_indent;
                    if closes || first_empty && (is_foot || dedented) {
                        if !group.text.is_empty() {
                            if dedented {
                                group.owner = group.start;
                            }
                            self.push_foot(&mut group, here);
                        }
                    } else if !group.text.is_empty() && !rest.is_empty() {
                        group.text.push('\n');
                    }
                }
                if break_width(rest) == 0 {
                    break;
                }
                first_empty = false;
                recent_empty = true;
                here.column = 0;
                here.line += 1;
                ahead += 1;
                continue;
            }
            if !group.text.is_empty() && here.column - 1 < next_indent && here.column != group.start.column {
                self.push_foot(&mut group, here);
            }
            if next != b'#' {
                break;
            }
            if group.text.is_empty() {
                group.start = here;
            } else {
                group.text.push('\n');
            }
            recent_empty = false;
            self.skip_blank_lines_to(ahead);
            let line = self.take_line();
            group.text.push_str(line);
            // The break that ends the comment is not looked at: only a second one is an empty line.
            ahead = 1;
            here.column = 0;
            here.line = self.mark.line;
            next_indent = self.indent.max(0);
        }
        if !group.text.is_empty() {
            let end = Place { index: self.mark.index + ahead as i32 - 1, ..here };
            let Group { scan, start, text, .. } = group;
            self.comments.push_back(Comment { scan, token: start, start, end, head: text, ..Comment::default() });
        }
    }

    /// Passes over a comment; for v3 over the following ones too, whatever blanks, even tabs, lie between.
    pub(super) fn skip_comments(&mut self) {
        self.take_line();
        while self.lookahead > 0 {
            let blank = |ahead: &usize| matches!(self.byte(*ahead), b' ' | b'\t' | b'\n' | b'\r');
            match (0..REACH).find(|ahead| !blank(ahead)) {
                Some(ahead) if self.byte(ahead) == b'#' => self.skip_blank_lines_to(ahead),
                _ => return,
            }
            self.take_line();
        }
    }

    fn push_foot(&mut self, group: &mut Group, end: Place) {
        self.comments.push_back(Comment {
            scan: group.scan,
            token: group.owner,
            start: group.start,
            end,
            foot: std::mem::take(&mut group.text),
            ..Comment::default()
        });
        group.scan = end;
        group.owner = end;
    }

    fn skip_blank_lines_to(&mut self, ahead: usize) {
        let target = self.at + ahead;
        while self.at < target {
            if self.at_break() {
                self.take_break();
            } else {
                self.skip_blank();
            }
        }
    }
}

/// Comment lines that belong together.
struct Group {
    scan: Place,
    owner: Place,
    start: Place,
    text: String,
}
