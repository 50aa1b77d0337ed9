//! The agent as a server: what is asked of it (Core 1.2.2 §6.3 and §6.4).

use dunlin_coap::request::unknown_critical;
use dunlin_coap::{Code, Message, OptionNumber, Token, Type};
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::{LwM2mVersion, OperationKind, OperationParts, WriteMode};
use dunlin_model::{AttributeChanges, AttributeSet, Level, ObjectId, Path};

use crate::bootstrap::BOOTSTRAP_SERVER;
use crate::engine::Core;
use crate::event::count;
use crate::features::{BOOTSTRAP, COMPOSITE, OBSERVE};
use crate::observation::Observation;
use crate::registration::{Leave, Slot};
use crate::reply::{About, Body, Reply, Source};
use crate::write::Payload;
use crate::{Error, Event, access, attributes, composite, content, provision, write};

/// What is done with a payload.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Write(WriteMode),
    Create,
    /// A Bootstrap-Write.
    Provision,
    /// A Write-Composite.
    Composite,
}

impl<P: Copy + Eq> Core<'_, P> {
    /// A request from `peer`.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn request(&mut self, peer: P, message: &Message<'_>) {
        let registered = |index: &usize| {
            self.servers
                .get(*index)
                .and_then(Option::as_ref)
                .is_some_and(Slot::is_registered)
        };
        let found = if self.is_served_by(peer) {
            Some(BOOTSTRAP_SERVER)
        } else if self.is_bootstrapping() {
            None
        } else {
            self.server_at(peer).filter(registered)
        };
        let Some(server) = found else {
            // Nobody else is answered: not before the registration is complete (Core 1.2.2 §6.2.1), and never a stranger.
            count(&mut self.state.counters.strangers);
            return;
        };
        if self.state.replies.is_full() {
            // Nothing must be carried out that cannot be answered.
            count(&mut self.state.counters.dropped);
            return;
        }
        let now = self.state.now;
        let id = message.id();
        let mut reply = Reply {
            to: peer,
            server: Some(server),
            message_type: message.message_type(),
            id,
            token: message.token(),
            code: Code::CHANGED,
            body: Body::Nothing,
        };
        if self.state.answers(server, id) {
            // Its answer has not been fetched yet.
            count(&mut self.state.counters.duplicates);
            return;
        }
        if self.replay.knows(now, server, id) {
            count(&mut self.state.counters.duplicates);
            reply.body = Body::Again;
        } else if unknown_critical(message, is_known).is_some() {
            // A Non-confirmable one is rejected in silence (RFC 7252 §5.4.1).
            if message.message_type() == Type::NonConfirmable {
                return;
            }
            reply.refuse(Code::BAD_OPTION, "unknown critical option");
        } else {
            let done = if BOOTSTRAP && server == BOOTSTRAP_SERVER {
                self.provision(&mut reply, message)
            } else {
                self.carry_out(server, &mut reply, message)
            };
            if let Err(error) = done {
                reply.refuse(error.code(), error.diagnostic());
            }
        }
        self.state.reply(reply);
    }

    /// Carries out what a server asks for; `reply` says that it is done until it is told otherwise.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn carry_out(
        &mut self,
        server: usize,
        reply: &mut Reply<P>,
        message: &Message<'_>,
    ) -> Result<(), Error> {
        let mut changes = AttributeChanges::default();
        let parts = match OperationParts::read(message, &mut changes) {
            Ok(parts) => parts,
            Err(error) => {
                reply.refuse(error.code(), error.diagnostic());
                return Ok(());
            }
        };
        let OperationParts {
            kind, path, accept, ..
        } = parts;
        if content::is_secret(path) {
            return Err(Error::Unauthorized);
        }
        let block = message.block2().map_err(|_| Error::BadValue)?;
        if comes_in_blocks(kind, message)? {
            reply.refuse(
                Code::REQUEST_ENTITY_TOO_LARGE,
                "this operation takes no blocks",
            );
            return Ok(());
        }
        let id = self.server_id(server);
        access::check(&*self.objects, id, path, right(kind))?;
        // Where there is none, none is needed.
        let payload = Payload {
            format: parts.format.unwrap_or(ContentFormat::TLV),
            bytes: parts.payload,
        };
        // What an answer with content is about, and the place of the observation that it begins.
        let (about, format, place) = match kind {
            OperationKind::Observe
            | OperationKind::CancelObserve
            | OperationKind::WriteAttributes
                if !OBSERVE =>
            {
                return Err(Error::NotImplemented);
            }
            OperationKind::Read | OperationKind::CancelObserve | OperationKind::Observe => {
                let format = self.format(server, accept);
                content::check(&*self.objects, path, format)?;
                let mut place = None;
                if OBSERVE && kind == OperationKind::CancelObserve {
                    self.cancel(server, message.token());
                } else if OBSERVE && kind == OperationKind::Observe {
                    self.check_attributes(path, changes.as_set())?;
                    let observation =
                        Observation::new(server, message.token(), path, format, self.state.now);
                    // Without room for it the answer is that to a Read (RFC 7641 §4.1).
                    place = self.observe_with(observation, changes.as_set())?;
                }
                (About::Node, format, place)
            }
            OperationKind::Discover => {
                (About::Links(parts.depth), ContentFormat::LINK_FORMAT, None)
            }
            OperationKind::ReadComposite if COMPOSITE => {
                self.read_composite(server, payload, accept, None)?
            }
            OperationKind::ObserveComposite if COMPOSITE && OBSERVE => {
                let attributes = changes.as_set();
                attributes.check_composite().map_err(|_| Error::BadValue)?;
                self.read_composite(server, payload, accept, Some((message.token(), attributes)))?
            }
            OperationKind::CancelObserveComposite if COMPOSITE && OBSERVE => {
                self.cancel(server, message.token());
                self.read_composite(server, payload, accept, None)?
            }
            OperationKind::WriteAttributes => {
                return self.write_attributes(server, path, &changes);
            }
            OperationKind::Execute => {
                let arguments = parts.arguments().map_err(|_| Error::BadValue)?;
                self.execute(path, arguments)?;
                return Ok(());
            }
            OperationKind::Delete => {
                self.remove(path, self.version(server))?;
                self.state.tell(Event::Deleted { path });
                reply.code = Code::DELETED;
                return Ok(());
            }
            OperationKind::WriteComposite if !COMPOSITE => return Err(Error::NotImplemented),
            OperationKind::Write(_) | OperationKind::Create | OperationKind::WriteComposite => {
                let change = match kind {
                    OperationKind::Write(mode) => Change::Write(mode),
                    OperationKind::Create => Change::Create,
                    _ => Change::Composite,
                };
                return self.with_payload(reply, message, path, payload, change);
            }
            _ => return Err(Error::NotImplemented),
        };
        reply.code = Code::CONTENT;
        reply.body = Body::Content {
            source: Source {
                about,
                format,
                path,
                server,
            },
            block,
            observation: place,
        };
        Ok(())
    }

    /// The format of an answer: what is accepted, else what the configuration says, to a server of 1.0 TLV.
    pub(crate) fn format(&self, server: usize, accept: Option<ContentFormat>) -> ContentFormat {
        let old = self.version(server) == LwM2mVersion::V1_0;
        accept.unwrap_or(if old && ContentFormat::TLV.is_supported() {
            ContentFormat::TLV
        } else {
            self.config.format
        })
    }

    /// What the answer to a composite operation that reads is about, its format, and the place of the observation that it is
    /// with a token and attributes.
    fn read_composite(
        &mut self,
        server: usize,
        payload: Payload<'_>,
        accept: Option<ContentFormat>,
        observing: Option<(Token, &AttributeSet)>,
    ) -> Result<(About, ContentFormat, Option<usize>), Error> {
        let format = match accept {
            Some(format) if composite::is_for_several(format) => format,
            Some(_) => return Err(Error::NotAcceptable),
            None => composite::format_for_several(self.config.format),
        };
        let paths = composite::read_list(payload)?;
        if !composite::is_readable(&*self.objects, self.server_id(server), &paths) {
            return Err(Error::NotFound);
        }
        let list = self.state.lists.keep(paths)?;
        let mut observation = None;
        if let Some((token, attributes)) = observing {
            let mut new = Observation::new(server, token, Path::ROOT, format, self.state.now);
            new.list = Some(list);
            let place = self.observe_with(new, attributes);
            if place.is_err() {
                self.state.lists.free(list);
            }
            observation = place?;
        }
        Ok((About::Paths(list), format, observation))
    }

    /// Keeps a new observation with the attributes that it came with (Core 1.2.2 §6.4.1).
    fn observe_with(
        &mut self,
        observation: Observation,
        attributes: &AttributeSet,
    ) -> Result<Option<usize>, Error> {
        if !attributes.is_empty() && self.version(observation.server) < LwM2mVersion::V1_2 {
            return Err(Error::BadValue);
        }
        let Some(place) = self.observe(observation) else {
            return Ok(None);
        };
        let own = attributes::own(place);
        attributes::detach(self.attributes, own);
        let attached = attributes::attach(self.attributes, own, Path::ROOT, attributes);
        if let Err(error) = attached {
            self.end_observation(place);
            return Err(error);
        }
        Ok(Some(place))
    }

    fn write_attributes(
        &mut self,
        server: usize,
        path: Path,
        changes: &AttributeChanges,
    ) -> Result<(), Error> {
        content::lookup(&*self.objects, path)?;
        let mut attributes = attributes::attached(self.attributes, server, path);
        changes
            .apply_to(&mut attributes)
            .map_err(|_| Error::BadValue)?;
        self.set_attributes(server, path, &attributes)
    }

    /// Removes an instance or a resource instance, with what is said about it elsewhere.
    pub(crate) fn remove(&mut self, path: Path, version: LwM2mVersion) -> Result<(), Error> {
        write::delete(self.objects, path, version)?;
        if path.level() == Level::Instance {
            access::deleted(self.objects, path);
        }
        attributes::forget(self.attributes, path);
        self.state.changed = true;
        Ok(())
    }

    /// Attaches attributes for a server in place of those that the node has.
    pub(crate) fn set_attributes(
        &mut self,
        server: usize,
        path: Path,
        attributes: &AttributeSet,
    ) -> Result<(), Error> {
        self.check_attributes(path, attributes)?;
        attributes::attach(self.attributes, server, path, attributes)
    }

    /// Whether these attributes may be those of a node.
    fn check_attributes(&self, path: Path, attributes: &AttributeSet) -> Result<(), Error> {
        let target = content::target(&*self.objects, path)?;
        let mut kind = None;
        if let Ok((object, found)) = target.resource() {
            if !content::exists(object, found) {
                return Err(Error::NotFound);
            }
            match path.resource_instance_id() {
                Some(_) if !found.multiple => return Err(Error::NotAllowed),
                Some(index) if object.read(found.id, index).is_none() => {
                    return Err(Error::NotFound);
                }
                _ => {}
            }
            kind = Some(found.kind);
        }
        attributes
            .check_target(path.level(), kind)
            .map_err(|_| Error::BadValue)?;
        if !attributes::is_supported(attributes) {
            return Err(Error::BadValue);
        }
        Ok(())
    }

    /// A Write (with its mode) or a Create, in one message or as a block of several.
    pub(crate) fn with_payload(
        &mut self,
        reply: &mut Reply<P>,
        message: &Message<'_>,
        path: Path,
        payload: Payload<'_>,
        change: Change,
    ) -> Result<(), Error> {
        let Payload { format, mut bytes } = payload;
        let server = reply.server.unwrap_or_default();
        let block = message.block1().map_err(|_| Error::BadValue)?;
        if let Some(block) = block.filter(|block| block.more() || block.number() > 0) {
            let Some(len) = self.receive(reply, server, message, block, bytes) else {
                return Ok(());
            };
            bytes = self.upload.get(..len).unwrap_or_default();
        }
        let id = self.server_id(server);
        let created = carry(self.objects, id, path, Payload { format, bytes }, change)?;
        self.state.changed = true;
        if let Some(path) = created {
            self.state.tell(Event::Created { path });
            reply.code = Code::CREATED;
            reply.body = Body::Location(path);
        } else if !matches!(change, Change::Provision) {
            // Of a bootstrap the owner hears when it is complete.
            self.state.tell(Event::Written { path });
        }
        Ok(())
    }

    /// An Execute: what the object does, and what it asks of the agent itself.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn execute(&mut self, path: Path, arguments: &str) -> Result<(), Error> {
        let object = path.object_id().map(ObjectId::get);
        let resource = path.resource_id().map(dunlin_model::ResourceId::get);
        let triggers = BOOTSTRAP && (object, resource) == (Some(1), Some(9));
        if triggers && provision::account_id(self.objects).is_none() {
            // There is nobody to bootstrap at.
            return Err(Error::NotAllowed);
        }
        write::execute(self.objects, path, arguments)?;
        self.state.changed = true;
        match (object, resource) {
            (Some(1), Some(resource @ (4 | 8))) => {
                let account = path.instance_id();
                let slot = self
                    .servers
                    .iter_mut()
                    .filter_map(Option::as_mut)
                    .find(|slot| Some(slot.account) == account);
                if let Some(slot) = slot {
                    if resource == 8 {
                        slot.update = true;
                    } else {
                        slot.leave = Some(Leave::For(slot.disable_timeout(&*self.objects)));
                    }
                }
            }
            (Some(1), Some(9)) => self.want_bootstrap(),
            (Some(3), Some(4)) => self.state.tell(Event::Reboot),
            (Some(3), Some(5)) => self.state.tell(Event::FactoryReset),
            _ => {}
        }
        self.state.tell(Event::Executed { path });
        Ok(())
    }
}

/// The right that an operation needs (Core 1.2.2 §8.2); those on several nodes look at each.
fn right(kind: OperationKind) -> u8 {
    match kind {
        OperationKind::Read
        | OperationKind::Observe
        | OperationKind::CancelObserve
        | OperationKind::WriteAttributes => access::READ,
        OperationKind::Write(_) => access::WRITE,
        OperationKind::Execute => access::EXECUTE,
        OperationKind::Delete => access::DELETE,
        OperationKind::Create => access::CREATE,
        _ => 0,
    }
}

/// Whether the body comes in several blocks where only a short one makes sense: it must not be taken for the whole.
fn comes_in_blocks(kind: OperationKind, message: &Message<'_>) -> Result<bool, Error> {
    if matches!(
        kind,
        OperationKind::Write(_) | OperationKind::Create | OperationKind::WriteComposite
    ) {
        return Ok(false);
    }
    let block = message.block1().map_err(|_| Error::BadValue)?;
    Ok(block.is_some_and(|block| block.more() || block.number() > 0))
}

/// Carries out a Write, or a Create, which gives the path of the new instance.
fn carry(
    objects: &mut dyn crate::Objects,
    server: Option<u16>,
    path: Path,
    payload: Payload<'_>,
    change: Change,
) -> Result<Option<Path>, Error> {
    let single = content::is_for_single_requests(payload.format);
    if !single && !matches!(change, Change::Composite) && !payload.bytes.is_empty() {
        return Err(Error::UnsupportedFormat);
    }
    match (change, path.object_id()) {
        (Change::Composite, _) if COMPOSITE => {
            composite::write(objects, server, payload).map(|()| None)
        }
        (Change::Provision, _) if BOOTSTRAP => {
            provision::write(objects, path, payload).map(|()| None)
        }
        (Change::Write(mode), _) => {
            if path.level() < Level::Instance {
                return Err(Error::NotAllowed);
            }
            write::write(objects, path, mode, payload).map(|()| None)
        }
        (Change::Create, Some(object)) => {
            let id = write::create(objects, object, payload)?;
            let path = Path::instance(object, id);
            if let Err(error) = access::created(objects, server, path) {
                if let Some(collection) = objects.find_mut(object) {
                    let _ = collection.delete(id);
                }
                return Err(error);
            }
            Ok(Some(path))
        }
        _ => Err(Error::NotAllowed),
    }
}

/// The critical options that the agent understands. It has no proxies and no conditional requests.
fn is_known(number: OptionNumber) -> bool {
    matches!(
        number,
        OptionNumber::URI_HOST
            | OptionNumber::URI_PORT
            | OptionNumber::URI_PATH
            | OptionNumber::URI_QUERY
            | OptionNumber::ACCEPT
            | OptionNumber::BLOCK1
            | OptionNumber::BLOCK2
    )
}
