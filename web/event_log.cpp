#include "web/event_log.hpp"

#include <utility>

namespace finwait::web {

class event_log::subscription
{
public:
    subscription(std::weak_ptr<listeners> of, std::uint64_t number)
        : of_(std::move(of)), number_(number)
    {
    }
    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    ~subscription()
    {
        if (const auto there = of_.lock(); there)
            there->erase(number_);
    }

private:
    std::weak_ptr<listeners> of_;
    std::uint64_t number_;
};

event_log::event_log(std::uint64_t first, std::size_t capacity)
    : next_(first), status_index_(first), capacity_(capacity)
{
}

void event_log::add(std::string name, std::string audit, std::shared_ptr<const std::string> data)
{
    ++revision_;
    event one{next_++, std::move(name), std::move(audit), std::move(data)};
    if (capacity_ > 0 && ring_.size() == capacity_)
        ring_.pop_front();
    if (capacity_ > 0)
        ring_.push_back(one);
    tell(&one);
}

std::optional<std::vector<event>> event_log::after(std::uint64_t id) const
{
    if (id > newest() || newest() - id > ring_.size())
        return std::nullopt;
    const auto missed = static_cast<std::ptrdiff_t>(newest() - id);
    return std::vector<event>(ring_.end() - missed, ring_.end());
}

void event_log::status_changed()
{
    ++revision_;
    ++status_index_;
    tell(nullptr);
}

std::shared_ptr<event_log::subscription> event_log::listen(listener told)
{
    const auto number = next_listener_++;
    listeners_->emplace(number, std::move(told));
    return std::make_shared<subscription>(listeners_, number);
}

/// A listener may end its own or another's subscription, or begin a new one.
void event_log::tell(const event* what)
{
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, told] : *listeners_)
        numbers.push_back(number);
    for (const auto number : numbers)
        if (const auto found = listeners_->find(number); found != listeners_->end()) {
            const auto told = found->second; // a copy: it may end itself meanwhile
            told(what);
        }
}

} // namespace finwait::web
